"""The responses that the edge itself sends, including decoys: vcl_error."""

from __future__ import annotations

from http import HTTPStatus

from handshake.core.hop_header import Hop
from handshake.edge.fastly.compile.challenges import answer_challenges
from handshake.edge.fastly.compile.conditions import NOW
from handshake.edge.fastly.compile.containers import seal
from handshake.edge.fastly.compile.first_hop import NOT_ALLOWED, REFUSED
from handshake.edge.fastly.compile.limits import ANSWER
from handshake.edge.fastly.compile.target import is_for_the_ingress
from handshake.edge.policy.actions import Decoy, Exceeded, Limit, Redirect, Respond
from handshake.edge.policy.decoy_templates import show_text
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.settings import FallbackSettings
from handshake.syntax.fastly_vcl import quote, subroutine
from handshake.syntax.vcl import Act, Block, Statement, act, when

_PLAIN = "text/plain; charset=utf-8"
_DONE = act("return(deliver)")


def answer_rule(rule: Rule) -> tuple[Statement, ...]:
    """Return the answer of a rule that ends the matter; nothing for others."""
    match rule.action:
        case Respond() as respond:
            headers = {"Content-Type": respond.content_type, **respond.headers}
            return (_when_asked(rule, *_give(respond.status, headers, respond.body, respond.reason)),)
        case Redirect(status=status):
            location = act(f"set obj.http.Location = req.http.{Hop.LOCATION}")
            return (_when_asked(rule, *_give(status.value, {}, "")[:-1], location, act('synthetic ""')),)
        case Decoy() as decoy if not is_for_the_ingress(decoy):
            return (_when_asked(rule, *_deceive(decoy)),)
        case Limit() as limit if limit.then is not Exceeded.CHALLENGE:
            return (_when_asked(rule, *_refuse(limit)),)
        case _:
            return ()


def answer_errors(policy: EdgePolicy, answers: tuple[Statement, ...]) -> Block:
    """Return vcl_error."""
    refusals = ((REFUSED, HTTPStatus.BAD_REQUEST), (NOT_ALLOWED, HTTPStatus.METHOD_NOT_ALLOWED))
    return subroutine(
        "error",
        *answers,
        *answer_challenges(policy),
        *(
            when(
                f"obj.status == {told}",
                *_give(shown, {"Content-Type": _PLAIN}, f"{shown.phrase}\n"),
                _DONE,
            )
            for told, shown in refusals
        ),
        when(
            "obj.status >= 500 && obj.status < 600",
            when("stale.exists", act("return(deliver_stale)")),
            *_fall_back(policy.fallback),
            _DONE,
        ),
        _DONE,
    )


def _when_asked(rule: Rule, *body: Statement) -> Statement:
    asked = f'obj.status == {ANSWER} && req.http.{Hop.RULE} == "{rule.name}"'
    return when(asked, *body, _DONE, because=rule.because)


def _give(status: int, headers: dict[str, str], body: str, reason: str = "") -> tuple[Act, ...]:
    phrase = reason or (HTTPStatus(status).phrase if status in _KNOWN else "")
    return (
        act(f"set obj.status = {int(status)}"),
        *((act(f"set obj.response = {quote(phrase)}"),) if phrase else ()),
        *(act(f"set obj.http.{name} = {quote(value)}") for name, value in headers.items()),
        act(f"synthetic {quote(body)}"),
    )


def _deceive(decoy: Decoy) -> tuple[Statement, ...]:
    return tuple(
        when(
            f'req.http.{COIN} == "{number}"',
            *_give(
                answer.status,
                {
                    "Content-Type": answer.content_type,
                    **{name: show_text(its) for name, its in answer.headers.items()},
                },
                show_text(answer.body),
            ),
        )
        for number, answer in enumerate(decoy.answers)
    )


def _refuse(limit: Limit) -> tuple[Act, ...]:
    headers = {
        "Content-Type": limit.content_type,
        "Retry-After": str(limit.seconds),
        "Cache-Control": "no-store",
        # Fastly gives nobody the means to hang up: this is as near as it comes.
        **({"Connection": "close"} if limit.then is Exceeded.DROP else {}),
    }
    return _give(limit.status, headers, limit.body)


def _fall_back(fallback: FallbackSettings) -> tuple[Act, ...]:
    return (
        act('set obj.http.Cache-Control = "no-store"'),
        act('set obj.http.Retry-After = "10"'),
        act(f"set obj.http.Content-Type = {quote(fallback.content_type)}"),
        act(f"synthetic {quote(fallback.body)}"),
    )


_KNOWN = frozenset(HTTPStatus)


# Decoys at Fastly: the same choice as the ingress's, where Fastly shows the body (below 8 KB).
#
# A decoy that takes its time, or whose answers differ in more than the choice, is handed to the ingress, which has the same
# rule: Fastly cannot wait, and remembers nothing. It comes the way that a real answer comes.

COIN = Hop.COIN


def choose_answer(rule: Rule, decoy: Decoy) -> tuple[Act, ...]:
    """Return vcl_recv's part: which answer, by a keyed digest of address, hour and body."""
    body = "std.toupper(digest.hash_sha256(req.body))"
    coin = f'client.ip " " std.itoa(var.hour) " " {body} " {rule.name}"'
    return (
        act(f"set var.hour = {NOW}"),
        act("set var.hour /= 3600"),
        act(f"set var.text = {coin}"),
        act(f"set var.text = {seal('var.text')}"),
        act("set var.count = std.strtol(substr(var.text, 0, 7), 16)"),
        act(f"set var.count %= {len(decoy.answers)}"),
        act(f"set req.http.{COIN} = std.itoa(var.count)"),
    )
