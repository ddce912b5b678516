"""The rules of phase admit as HAProxy lines, in the policy's order."""

from __future__ import annotations

from handshake.edge.actions import Decoy, Respond
from handshake.edge.door.conditions import compile_condition
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy, Rule
from handshake.syntax.haproxy import Line, line

_COIN = "%[src] %[date,div(3600)] %[req.body,sha2(256),hex]"


def compile_rules(policy: Policy, decoy_key: str) -> tuple[Line, ...]:
    """Return the lines of all rules of the door."""
    return tuple(
        statement
        for rule in policy.select_rules(Phase.ADMIT)
        for statement in _compile_rule(policy, rule, decoy_key)
    )


def _compile_rule(policy: Policy, rule: Rule, decoy_key: str) -> tuple[Line, ...]:
    condition = compile_condition(policy, rule.condition, rule.name)
    if condition.is_never:
        return ()
    match rule.action:
        case Respond() as respond:
            acts: tuple[Line, ...] = (_return(rule, respond),)
        case Decoy() as decoy:
            acts = _deceive(rule, decoy, decoy_key)
    matched = ("http-request", "set-var(txn.rule)", f"str({rule.name})", *condition.words)
    return (*condition.acls, line(*matched, because=rule.because), *acts)


def _return(rule: Rule, respond: Respond) -> Line:
    headers = [word for name, value in respond.headers.items() for word in ("hdr", name, _print_plain(value))]
    answer = _print_answer(respond.status, respond.content_type, respond.body)
    return line("http-request", "return", *answer, *headers, *_if_matched(rule))


def _deceive(rule: Rule, decoy: Decoy, decoy_key: str) -> tuple[Line, ...]:
    """Choose by a keyed digest of address, hour and body, so that a replayed request learns nothing.

    The body is awaited first: an answer that comes before its end would give the decoy away.
    """
    coin = f"var(txn.coin),hmac(sha256,{decoy_key}),crc32(1),mod({len(decoy.answers)})"
    return (
        line("http-request", "wait-for-body", "time", "10s", *_if_matched(rule)),
        line("http-request", "set-var-fmt(txn.coin)", f"{_COIN} {rule.name}", *_if_matched(rule)),
        line("http-request", "set-var(txn.coin)", coin, *_if_matched(rule)),
        *(
            line(
                "http-request",
                "return",
                *_print_answer(answer.status, answer.content_type, answer.body),
                *_if_matched(rule, "{", "var(txn.coin)", "-m", "int", str(number), "}"),
            )
            for number, answer in enumerate(decoy.answers)
        ),
    )


def _print_answer(status: int, content_type: str, body: str) -> tuple[str, ...]:
    # HAProxy knows no empty string: an answer without a body has no content type either.
    payload = ("content-type", content_type, "string", body) if body else ()
    return ("status", str(status), *payload)


def _print_plain(text: str) -> str:
    """Return a text where a log format is expected, so that it means itself."""
    return text.replace("%", "%%")


def _if_matched(rule: Rule, *more: str) -> tuple[str, ...]:
    return ("if", "{", "var(txn.rule)", "-m", "str", rule.name, "}", *more)
