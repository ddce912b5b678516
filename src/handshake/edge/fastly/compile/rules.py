"""The rules in Fastly's VCL: evaluated in vcl_recv, answered in vcl_error, finished in vcl_deliver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handshake.core.hop_header import ARM_PREFIX, Hop
from handshake.edge.fastly.compile.answers import answer_rule, choose_answer
from handshake.edge.fastly.compile.caching import met, wish_caching
from handshake.edge.fastly.compile.conditions import FastlyConditionPrinter, read_cookie
from handshake.edge.fastly.compile.limits import ANSWER, count_failures, keep_limit, limit_requests, slow_down
from handshake.edge.fastly.compile.target import FastlyTarget, hand_to_ingress, is_for_the_ingress
from handshake.edge.policy.actions import (
    CacheAction,
    Decoy,
    Headers,
    Limit,
    Pass,
    Redirect,
    Respond,
    RouteAction,
    Split,
    cookie_attributes,
    cookie_of,
)
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.variables import Phase
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Act, Block, Branch, If, Statement, act, escape_pattern, when

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


def compile_rules(policy: EdgePolicy, target: FastlyTarget) -> tuple[FastlyRule, ...]:
    """Return the rules of both phases, in order: the ingress's first."""
    return tuple(
        _compile_rule(policy, target, rule) for phase in Phase for rule in policy.select_rules(phase)
    )


def _compile_rule(policy: EdgePolicy, target: FastlyTarget, rule: Rule) -> FastlyRule:
    printer = FastlyConditionPrinter(policy=policy, target=target, rule=rule.name)
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
        case CacheAction() as cache:
            return wish_caching(rule, cache)
        case Pass():
            return (act(f'set req.http.{Hop.PASS} = "1"'),)
        case RouteAction() as route:
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
    if is_for_the_ingress(decoy):
        return hand_to_ingress()
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


def _route(route: RouteAction) -> Statement:
    if route.prefix is None:
        return act(f"set req.url = {quote(route.to)} {_QUERY}")
    pattern = quote(f"^{escape_pattern(route.prefix)}")
    # In front of the rest, and not in its place: a replacement would read a backslash.
    return when(
        f"req.url ~ {pattern}", act(f'set req.url = {quote(route.to)} regsub(req.url, {pattern}, "")')
    )


# Arms of a split at Fastly: chosen once by weight, kept in the visitor's cookie, told to the campaign's own edge.


def choose_arm(rule: Rule, split: Split) -> tuple[Statement, ...]:
    """Return vcl_recv's part: the visitor's arm; each arm is cached apart.

    The cookie goes on to the origin: the edge behind this one must not choose again.
    """
    arm = f"req.http.{Hop.ARM}-{rule.name}"
    cookie = cookie_of(rule.name)
    known = "|".join(split.arms)
    return (
        act(f"set {arm} = {read_cookie(cookie)}"),
        when(
            f"{arm} !~ {quote(f'^({known})$')}",
            act(f"set var.count = randomint(0, {sum(split.arms.values()) - 1})"),
            If(branches=tuple(_deal(arm, split))),
            act(f"set req.http.{Hop.NEW_ARM}-{rule.name} = {arm}"),
        ),
        act(f"set req.http.{ARM_PREFIX}{rule.name} = {arm}"),
        act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} {arm} "|"'),
        act(f'set req.http.{Hop.COOKIE} = req.http.{Hop.COOKIE} "; {cookie}=" {arm}'),
        act(f'set req.http.Cookie = regsuball(req.http.Cookie, "(^|; *){cookie}=[^;]*", "")'),
        act('set req.http.Cookie = regsub(req.http.Cookie, "^; *", "")'),
        when('req.http.Cookie == ""', act("unset req.http.Cookie")),
    )


def set_cookie(rule: Rule, split: Split) -> Statement:
    """Return vcl_deliver's part."""
    new = f"req.http.{Hop.NEW_ARM}-{rule.name}"
    attributes = quote(f"; {cookie_attributes(split.days)}")
    return when(
        new,
        act(f'add resp.http.Set-Cookie = "{cookie_of(rule.name)}=" {new} {attributes}'),
        because=rule.because,
    )


def _deal(arm: str, split: Split) -> Iterator[Branch]:
    below = 0
    last = next(reversed([name for name, weight in split.arms.items() if weight]))
    for name, weight in split.arms.items():
        below += weight
        if weight:
            condition = "" if name == last else f"var.count < {below}"
            yield Branch(condition=condition, body=(act(f'set {arm} = "{name}"'),))
