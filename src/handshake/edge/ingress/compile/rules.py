"""The rules of phase admit as HAProxy lines, in the policy's order."""

from __future__ import annotations

from handshake.edge.ingress.compile.answers import print_first_headers, print_plain
from handshake.edge.ingress.compile.client import find_cookies
from handshake.edge.ingress.compile.conditions import (
    IF_DECIDED,
    compile_condition,
    decide,
    if_met,
    remember_met,
)
from handshake.edge.ingress.compile.decoys import deceive
from handshake.edge.ingress.compile.limits import limit_requests
from handshake.edge.policy.actions import Decoy, Headers, Limit, Redirect, Respond
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.variables import Phase
from handshake.syntax.haproxy import Line, line


def compile_rules(policy: EdgePolicy, key: str) -> tuple[Line, ...]:
    """Return the lines of all rules of the ingress; `key`, in base64, seals challenges."""
    return tuple(
        statement
        for rule in policy.select_rules(Phase.ADMIT)
        for statement in _compile_rule(policy, rule, key)
    )


def finish_rules(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines that the rules need once there is an answer."""
    return tuple(
        statement
        for rule in policy.select_rules(Phase.ADMIT)
        if isinstance(rule.action, Headers)
        for statement in _change_headers("http-after-response", rule, rule.action)
    )


def _compile_rule(policy: EdgePolicy, rule: Rule, key: str) -> tuple[Line, ...]:
    condition = compile_condition(policy, rule.condition, rule.name)
    if condition.is_never:
        return ()
    return (
        *condition.acls,
        *_act(policy, rule, key, condition.words),
        *(find_cookies(policy, *if_met(rule)) if _changes_cookies(rule) else ()),
    )


def _changes_cookies(rule: Rule) -> bool:
    if not isinstance(rule.action, Headers):
        return False
    request = rule.action.request
    return "cookie" in map(str.lower, (*request.set, *request.remove))


def _act(policy: EdgePolicy, rule: Rule, key: str, condition: tuple[str, ...]) -> tuple[Line, ...]:
    match rule.action:
        case Respond() as respond:
            return decide(rule, condition), _return(respond)
        case Decoy() as decoy:
            return deceive(rule, decoy, condition)
        case Redirect() as redirect:
            return decide(rule, condition), *_redirect(redirect)
        case Limit() as limit:
            return remember_met(rule, condition), *limit_requests(policy, rule, limit, key)
        case Headers() as headers:
            return remember_met(rule, condition), *_change_headers("http-request", rule, headers)
        case _:
            raise AssertionError("check_actions lets nothing else into phase admit")


def _return(respond: Respond) -> Line:
    answer = _print_answer(respond.status, respond.content_type, respond.body)
    return line("http-request", "return", *answer, *print_first_headers(respond), *IF_DECIDED)


def _redirect(redirect: Redirect) -> tuple[Line, ...]:
    target = print_plain(redirect.to)
    if redirect.keep_path:
        target = f"{target.rstrip('/')}%[path]"
    plain = _send_to(redirect, target)
    if not redirect.keep_query:
        return (plain,)
    joint = "&" if "?" in redirect.to else "?"
    has_query = ("{", "query", "-m", "len", "ge", "1", "}")
    return _send_to(redirect, f"{target}{joint}%[query]", *has_query), plain


def _send_to(redirect: Redirect, target: str, *more: str) -> Line:
    code = str(redirect.status.value)
    return line("http-request", "redirect", "location", target, "code", code, *IF_DECIDED, *more)


def _change_headers(when: str, rule: Rule, headers: Headers) -> tuple[Line, ...]:
    changes = headers.request if when == "http-request" else headers.response
    return (
        *(line(when, "del-header", name, *if_met(rule)) for name in changes.remove),
        *(
            line(when, "set-header", name, print_plain(value), *if_met(rule))
            for name, value in changes.set.items()
        ),
    )


def _print_answer(status: int, content_type: str, body: str) -> tuple[str, ...]:
    # HAProxy knows no empty string: an answer without a body has no content type either.
    payload = ("content-type", content_type, "string", body) if body else ()
    return ("status", str(status), *payload)
