"""The rules in Fastly's words: tried in vcl_recv, answered in vcl_error, finished in vcl_deliver."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.hop_header import Hop
from handshake.edge.actions import Decoy, Redirect, Respond
from handshake.edge.adjust import Cache, Headers, Pass, Route, Split
from handshake.edge.fastly.answers import answer_rule
from handshake.edge.fastly.caching import met, wish_caching
from handshake.edge.fastly.conditions import ConditionPrinter
from handshake.edge.fastly.decoys import choose_answer
from handshake.edge.fastly.deferred import hand_to_door, is_for_the_door
from handshake.edge.fastly.limits import ANSWER, count_failures, keep_limit, limit_requests, slow_down
from handshake.edge.fastly.splits import choose_arm, set_cookie
from handshake.edge.fastly.surroundings import FastlySurroundings
from handshake.edge.limit import Limit
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy, Rule
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Act, Block, If, Statement, act, escape_pattern, when

_QUERY = r'regsub(req.url, "^[^?]*", "")'
_BARE_QUERY = r'regsub(req.url, "^[^?]*\??", "")'


@dataclass(frozen=True, kw_only=True)
class FastlyRule:
    """One rule in its places."""

    phase: Phase
    declared: tuple[Block, ...]
    """ACLs, counters and boxes."""
    test: If
    """In vcl_recv."""
    answer: tuple[Statement, ...]
    """In vcl_error."""
    finish: tuple[Statement, ...]
    """In vcl_deliver."""


def compile_rules(policy: Policy, surroundings: FastlySurroundings) -> tuple[FastlyRule, ...]:
    """Return the rules of both phases, in order: the door's first."""
    return tuple(
        _compile_rule(policy, surroundings, rule) for phase in Phase for rule in policy.select_rules(phase)
    )


def _compile_rule(policy: Policy, surroundings: FastlySurroundings, rule: Rule) -> FastlyRule:
    printer = ConditionPrinter(policy=policy, surroundings=surroundings, rule=rule.name)
    condition = printer.print_condition(rule.condition)
    counters = keep_limit(rule) if isinstance(rule.action, Limit) else ()
    return FastlyRule(
        phase=rule.phase,
        declared=(*printer.acls, *counters),
        test=when(condition, *_act(rule), because=rule.because),
        answer=answer_rule(rule),
        finish=_finish(rule),
    )


def _act(rule: Rule) -> tuple[Statement, ...]:  # noqa: PLR0911 -- one return for each action
    """Return what vcl_recv does with a request that the rule matches."""
    match rule.action:
        case Respond():
            return _ask_for_answer(rule)
        case Decoy() as decoy:
            return _deceive(rule, decoy)
        case Redirect() as redirect:
            return *_redirect(redirect), *_ask_for_answer(rule)
        case Limit() as limit:
            return limit_requests(rule, limit)
        case Headers() as headers:
            changes = _change("req", headers.request.set, headers.request.remove)
            return act(f'set req.http.{met(rule)} = "1"'), *changes
        case Cache() as cache:
            return wish_caching(rule, cache)
        case Pass():
            return (act(f'set req.http.{Hop.PASS} = "1"'),)
        case Route() as route:
            return (_route(route),)
        case Split() as split:
            return choose_arm(rule, split)


def _finish(rule: Rule) -> tuple[Statement, ...]:
    match rule.action:
        case Headers(response=changes) if changes.set or changes.remove:
            its = _change("resp", changes.set, changes.remove)
            return (when(f"req.http.{met(rule)}", *its, because=rule.because),)
        case Split() as split:
            return (set_cookie(rule, split),)
        case Limit() as limit:
            return *count_failures(rule, limit), *slow_down(rule, limit)
        case _:
            return ()


def _deceive(rule: Rule, decoy: Decoy) -> tuple[Statement, ...]:
    if is_for_the_door(decoy):
        return hand_to_door()
    return *choose_answer(rule, decoy), *_ask_for_answer(rule)


def _ask_for_answer(rule: Rule) -> tuple[Act, ...]:
    return act(f'set req.http.{Hop.RULE} = "{rule.name}"'), act(f"error {ANSWER}")


def _redirect(redirect: Redirect) -> tuple[Act, ...]:
    target = quote(redirect.to.rstrip("/") if redirect.keep_path else redirect.to)
    path = " req.url.path" if redirect.keep_path else ""
    joint = "&" if "?" in redirect.to else "?"
    query = f' regsub({_BARE_QUERY}, "^(.)", "{joint}\\1")' if redirect.keep_query else ""
    return (act(f"set req.http.{Hop.LOCATION} = {target}{path}{query}"),)


def _change(message: str, values: dict[str, str], remove: tuple[str, ...]) -> tuple[Act, ...]:
    return (
        *(act(f"unset {message}.http.{name}") for name in remove),
        *(act(f"set {message}.http.{name} = {quote(value)}") for name, value in values.items()),
    )


def _route(route: Route) -> Statement:
    if route.prefix is None:
        return act(f"set req.url = {quote(route.to)} {_QUERY}")
    pattern = quote(f"^{escape_pattern(route.prefix)}")
    # In front of the rest, and not in its place: a replacement would read a backslash.
    return when(
        f"req.url ~ {pattern}", act(f'set req.url = {quote(route.to)} regsub(req.url, {pattern}, "")')
    )
