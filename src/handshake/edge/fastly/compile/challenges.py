"""Challenges at Fastly: the ingress's puzzle and the ingress's seals, short-lived and bound to the client.

Fastly's machines share no memory in which a seal could be marked as used: so a solution may be handed in again, by the
same client, until the puzzle ends.
"""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.fastly.compile.conditions import NOW, read_cookie
from handshake.edge.fastly.compile.containers import seal
from handshake.edge.policy.actions import Exceeded, Limit
from handshake.edge.policy.challenge_page import COOKIE, PAGE, PATH, PLACE_OF_SEAL, SEAL_SECONDS, ZEROS
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Act, Branch, If, Statement, act, when

SHOWN = 603
SOLVED = 604
UNSOLVED = 605
_SEAL_FORM = r"^(\d{1,12})\.([a-z0-9-]+)\.([0-9A-Fa-f-]{36})\.([0-9A-F]{64})$"
_PASSED_FORM = r"^(\d{1,12})\.([0-9A-F]{64})$"


def challenging_rules(policy: EdgePolicy) -> tuple[tuple[Rule, Limit], ...]:
    """Return the rules that may challenge."""
    return tuple((rule, limit) for rule, limit in policy.select_limits() if limit.then is Exceeded.CHALLENGE)


def accept_solutions(policy: EdgePolicy) -> tuple[Statement, ...]:
    """Return vcl_recv's part that takes solutions in."""
    rules = challenging_rules(policy)
    if not rules:
        return ()
    return (
        when(
            f"req.url.path == {quote(PATH)}",
            act(f'set req.http.{Hop.RULE} = "challenge"'),
            act('set var.key = querystring.get(req.url, "seal")'),
            act('set var.text = querystring.get(req.url, "answer")'),
            when(
                f"var.key ~ {quote(_SEAL_FORM)}",
                act("set var.until = re.group.1"),
                act("set var.rule = re.group.2"),
                act("set var.given = re.group.4"),
                act(f'set var.wanted = "seal " client.ip " " {_without_digest("var.key")}'),
                act(f"set var.wanted = {seal('var.wanted')}"),
                act('set var.text = var.key "." var.text'),
                act("set var.text = digest.hash_sha256(var.text)"),
                when(
                    f"digest.secure_is_equal(var.given, var.wanted) && std.atoi(var.until) > {NOW}"
                    f" && var.text ~ {quote(f'^{ZEROS}')}",
                    If(branches=tuple(_hand_out(rule, limit) for rule, limit in rules)),
                ),
            ),
            act(f"error {UNSOLVED}"),
        ),
    )


def challenge(rule: Rule) -> tuple[Statement, ...]:
    """Return the part of a limit that shows the puzzle to a client without a pass."""
    return (
        act("set var.is_passed = false"),
        act(f"set var.key = {read_cookie(COOKIE + rule.word)}"),
        when(
            f"var.key ~ {quote(_PASSED_FORM)}",
            act("set var.until = re.group.1"),
            act("set var.given = re.group.2"),
            act(f'set var.wanted = "pass {rule.name} " client.ip " " var.until'),
            act(f"set var.wanted = {seal('var.wanted')}"),
            when(
                f"digest.secure_is_equal(var.given, var.wanted) && std.atoi(var.until) > {NOW}",
                act("set var.is_passed = true"),
            ),
        ),
        when(
            "!var.is_passed",
            *_set_end(SEAL_SECONDS),
            act(f'set var.until = std.itoa(var.count) ".{rule.name}." uuid.version4()'),
            act('set var.wanted = "seal " client.ip " " var.until'),
            act(f"set var.wanted = {seal('var.wanted')}"),
            act(f'set req.http.{Hop.SEAL} = var.until "." var.wanted'),
            act(f'set req.http.{Hop.RULE} = "{rule.name}"'),
            act(f"error {SHOWN}"),
        ),
    )


def answer_challenges(policy: EdgePolicy) -> tuple[Statement, ...]:
    """Return vcl_error's part."""
    rules = challenging_rules(policy)
    if not rules:
        return ()
    answers = ((SHOWN, _show(rules)), (SOLVED, _reward()), (UNSOLVED, _turn_away()))
    return tuple(
        when(
            f"obj.status == {status}",
            act('set obj.http.Cache-Control = "no-store"'),
            *body,
            act("return(deliver)"),
        )
        for status, body in answers
    )


def _show(rules: tuple[tuple[Rule, Limit], ...]) -> tuple[Statement, ...]:
    head, tail = PAGE.split(PLACE_OF_SEAL)
    return (
        *(
            when(f'req.http.{Hop.RULE} == "{rule.name}"', act(f"set obj.status = {limit.status}"))
            for rule, limit in rules
        ),
        act('set obj.http.Content-Type = "text/html; charset=utf-8"'),
        act(f"synthetic {quote(head)} req.http.{Hop.SEAL} {quote(tail)}"),
    )


def _reward() -> tuple[Statement, ...]:
    return (
        act("set obj.status = 204"),
        act(f"set obj.http.Set-Cookie = req.http.{Hop.PASS_COOKIE}"),
        act('synthetic ""'),
    )


def _turn_away() -> tuple[Statement, ...]:
    return act("set obj.status = 403"), act('synthetic ""')


def _hand_out(rule: Rule, limit: Limit) -> Branch:
    attributes = f"; Path=/; Max-Age={limit.pass_seconds}; HttpOnly; SameSite=Lax"
    return Branch(
        condition=f'var.rule == "{rule.name}"',
        body=(
            *_set_end(limit.pass_seconds),
            act("set var.until = std.itoa(var.count)"),
            act(f'set var.wanted = "pass {rule.name} " client.ip " " var.until'),
            act(f"set var.wanted = {seal('var.wanted')}"),
            act(
                f'set req.http.{Hop.PASS_COOKIE} = "{COOKIE}{rule.word}=" var.until "." var.wanted {quote(attributes)}'
            ),
            act(f"error {SOLVED}"),
        ),
    )


def _set_end(seconds: int) -> tuple[Act, ...]:
    return act(f"set var.count = {NOW}"), act(f"set var.count += {seconds}")


def _without_digest(name: str) -> str:
    return f'regsub({name}, "\\.[0-9A-F]+$", "")'
