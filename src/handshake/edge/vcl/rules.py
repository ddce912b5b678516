"""The rules of phase serve as VCL: tried in vcl_recv, answered in vcl_synth, finished in vcl_deliver."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.hop_header import Hop
from handshake.edge.actions import Redirect, Respond
from handshake.edge.adjust import Cache, Headers, Pass, Route, Split
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy, Rule
from handshake.edge.vcl.caching import wish_caching
from handshake.edge.vcl.conditions import ConditionPrinter
from handshake.edge.vcl.splits import choose_arm, hand_on_arm
from handshake.syntax.vcl import Act, Block, If, Statement, act, escape_pattern, quote, when

_PATH = r'regsub(req.url, "\?.*$", "")'
_QUERY = r'regsub(req.url, "^[^?]*", "")'
_BARE_QUERY = r'regsub(req.url, "^[^?]*\??", "")'


@dataclass(frozen=True, kw_only=True)
class ServeRule:
    """One rule in its places."""

    acls: tuple[Block, ...]
    test: If
    """In vcl_recv."""
    answer: tuple[If, ...] = ()
    """In vcl_synth."""
    finish: tuple[If, ...] = ()
    """Wherever an answer leaves."""


def compile_rules(policy: Policy) -> tuple[ServeRule, ...]:
    """Return the phase's rules in order."""
    return tuple(_compile_rule(rule) for rule in policy.select_rules(Phase.SERVE))


def _compile_rule(rule: Rule) -> ServeRule:
    printer = ConditionPrinter(rule=rule.name)
    condition = printer.print_condition(rule.condition)
    test = when(condition, *_act(rule), because=rule.because)
    return ServeRule(
        acls=tuple(printer.acls), test=test, answer=_answer_rule(rule), finish=_finish_rule(rule)
    )


def _act(rule: Rule) -> tuple[Statement, ...]:  # noqa: PLR0911 -- one return for each action
    """Return what vcl_recv does with a request that the rule matches."""
    match rule.action:
        case Respond() as respond:
            return _name(rule), act(f"return ({_print_synth(respond)})")
        case Redirect() as redirect:
            return _name(rule), *_redirect(redirect)
        case Headers() as headers:
            return act(f'set req.http.{_met(rule)} = "1"'), *_change(
                "req", headers.request.set, headers.request.remove
            )
        case Cache() as cache:
            return wish_caching(cache, rule.reads)
        case Pass():
            return (act(f'set req.http.{Hop.PASS} = "1"'),)
        case Route() as route:
            return (act(f"set req.url = {_print_route(route)}"),)
        case Split() as split:
            return choose_arm(rule.name, split)
        case _:
            raise AssertionError("check_actions lets nothing else into phase serve")


def _answer_rule(rule: Rule) -> tuple[If, ...]:
    if not isinstance(rule.action, Respond):
        return ()
    answer = _answer(rule.action)
    return (when(f'req.http.{Hop.RULE} == "{rule.name}"', *answer, because=rule.because),)


def _finish_rule(rule: Rule) -> tuple[If, ...]:
    match rule.action:
        case Headers(response=changes) if changes.set or changes.remove:
            its = _change("resp", changes.set, changes.remove)
            return (when(f"req.http.{_met(rule)}", *its, because=rule.because),)
        case Split():
            return (hand_on_arm(rule.name),)
        case _:
            return ()


def _name(rule: Rule) -> Act:
    return act(f'set req.http.{Hop.RULE} = "{rule.name}"')


def _met(rule: Rule) -> str:
    return f"{Hop.MET}-{rule.name}"


def _redirect(redirect: Redirect) -> tuple[Act, ...]:
    target = quote(redirect.to.rstrip("/") if redirect.keep_path else redirect.to)
    path = f" + {_PATH}" if redirect.keep_path else ""
    joint = "&" if "?" in redirect.to else "?"
    query = f' + regsub({_BARE_QUERY}, "^(.)", "{joint}\\1")' if redirect.keep_query else ""
    return (
        act(f"set req.http.{Hop.LOCATION} = {target}{path}{query}"),
        act(f"return (synth({redirect.status.value}))"),
    )


def _change(message: str, values: dict[str, str], remove: tuple[str, ...]) -> tuple[Act, ...]:
    return (
        *(act(f"unset {message}.http.{name}") for name in remove),
        *(act(f"set {message}.http.{name} = {quote(value)}") for name, value in values.items()),
    )


def _print_route(route: Route) -> str:
    if route.prefix is None:
        return f"{quote(route.to)} + {_QUERY}"
    pattern = quote(f"^{escape_pattern(route.prefix)}")
    return f"regsub(req.url, {pattern}, {quote(_escape_replacement(route.to))})"


def _escape_replacement(text: str) -> str:
    return text.replace("\\", "\\\\")


def _print_synth(respond: Respond) -> str:
    reason = f", {quote(respond.reason)}" if respond.reason else ""
    return f"synth({respond.status}{reason})"


def _answer(respond: Respond) -> tuple[Act, ...]:
    headers = {"Content-Type": respond.content_type, **respond.headers}
    return (
        *(act(f"set resp.http.{name} = {quote(value)}") for name, value in headers.items()),
        act(f"set resp.body = {quote(respond.body)}"),
        act("call tidy"),
        act("return (deliver)"),
    )
