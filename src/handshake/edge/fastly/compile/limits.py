"""Limits at Fastly: counted for each of its sites separately, in windows of ten seconds to one minute."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.fastly.compile.challenges import challenge
from handshake.edge.fastly.compile.target import LONGEST_SECONDS
from handshake.edge.policy.actions import Exceeded, Limit
from handshake.edge.policy.policy import Rule
from handshake.edge.policy.variables import CLIENT_IP, EdgeDialect
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Block, Statement, act, when

_BUCKET_SECONDS = 10
_SHORTEST_PENALTY_SECONDS = 60
"""Fastly counts penalties in minutes."""
ANSWER = 600
"""The status that triggers a rule's answer in vcl_error; it is never sent to clients."""


def keep_limit(rule: Rule) -> tuple[Block, ...]:
    """Return the counter of a limit, and the box in which it remembers who has failed too often."""
    limit = rule.action
    boxes = (Block(heading=f"penaltybox {_box(rule)}", body=()),)
    counter = Block(heading=f"ratecounter {_counter(rule)}", body=(), because=rule.because)
    return (counter, *(boxes if isinstance(limit, Limit) and limit.failures else ()))


def limit_requests(rule: Rule, limit: Limit) -> tuple[Statement, ...]:
    """Return what vcl_recv does with a request that the rule matches."""
    if limit.failures:
        test = f"ratelimit.penaltybox_has({_box(rule)}, var.key)"
        counted: tuple[Statement, ...] = (act(f"set req.http.{_counted(rule)} = var.key"),)
    else:
        test = f"{_count(rule, limit)} > {_scale(limit)}"
        counted = (act(f"set var.count = ratelimit.ratecounter_increment({_counter(rule)}, var.key, 1)"),)
    return (*_find_key(rule), *counted, when(test, *_refuse(rule, limit)))


def count_failures(rule: Rule, limit: Limit) -> tuple[Statement, ...]:
    """Return vcl_deliver's part of a limit of failures."""
    if not limit.failures:
        return ()
    key = f"req.http.{_counted(rule)}"
    seconds = max(limit.seconds, _SHORTEST_PENALTY_SECONDS)
    failed = " || ".join(f"resp.status == {status}" for status in limit.failures)
    return (
        when(
            f"{key} && ({failed})",
            act(f"set var.count = ratelimit.ratecounter_increment({_counter(rule)}, {key}, 1)"),
            when(
                f"{_count(rule, limit)} >= {max(_scale(limit), 1)}",
                act(f"ratelimit.penaltybox_add({_box(rule)}, {key}, {seconds}s)"),
            ),
            because=rule.because,
        ),
    )


def slow_down(rule: Rule, limit: Limit) -> tuple[Statement, ...]:
    """Return vcl_deliver's part of a tarpit: the answer trickles."""
    if limit.then is not Exceeded.TARPIT:
        return ()
    return (when(f'req.http.{Hop.RULE} == "{rule.name}"', act("resp.tarpit(5, 128)"), because=rule.because),)


def _find_key(rule: Rule) -> tuple[Statement, ...]:
    """Find whom a request is counted for: those without the text share a count."""
    reads = rule.reads[0]
    if reads.variable is CLIENT_IP:
        return (act("set var.key = client.ip"),)
    return (
        act(f"set var.key = {reads.spell(EdgeDialect.FASTLY)}"),
        when(f"!var.key || var.key == {quote('')}", act('set var.key = "none"')),
    )


def _refuse(rule: Rule, limit: Limit) -> tuple[Statement, ...]:
    if limit.then is Exceeded.CHALLENGE:
        return challenge(rule)
    return act(f'set req.http.{Hop.RULE} = "{rule.name}"'), act(f"error {ANSWER}")


def _window(limit: Limit) -> int:
    """Return the bucket's seconds: the limit's, rounded up to tens."""
    return min(-(-limit.seconds // _BUCKET_SECONDS) * _BUCKET_SECONDS, LONGEST_SECONDS)


def _scale(limit: Limit) -> int:
    """Return the limit for the bucket: the same rate."""
    return limit.requests * _window(limit) // limit.seconds


def _count(rule: Rule, limit: Limit) -> str:
    return f"ratecounter.{_counter(rule)}.bucket.{_window(limit)}s"


def _counter(rule: Rule) -> str:
    return f"hs_limit_{rule.word}"


def _box(rule: Rule) -> str:
    return f"hs_box_{rule.word}"


def _counted(rule: Rule) -> str:
    return f"{Hop.COUNTS}-{rule.name}"
