"""The rules of phase serve as VCL: evaluated in vcl_recv, answered in vcl_synth, finished in vcl_deliver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handshake.core.hop_header import ARM_PREFIX, Hop
from handshake.edge.cache.compile.conditions import VclConditionPrinter
from handshake.edge.policy.actions import (
    CacheAction,
    Headers,
    Pass,
    Redirect,
    Respond,
    RouteAction,
    Split,
    cookie_of,
)
from handshake.edge.policy.expression import VariableRef
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.variables import REQUEST_COOKIE, EdgeDialect, Phase
from handshake.syntax.vcl import Act, Block, Branch, If, Statement, act, escape_pattern, quote, sub, when

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
    """Wherever a response is sent."""


def compile_rules(policy: EdgePolicy) -> tuple[ServeRule, ...]:
    """Return the phase's rules in order."""
    return tuple(_compile_rule(rule) for rule in policy.select_rules(Phase.SERVE))


def _compile_rule(rule: Rule) -> ServeRule:
    printer = VclConditionPrinter(rule=rule.name)
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
        case CacheAction() as cache:
            return wish_caching(cache, rule.reads)
        case Pass():
            return (act(f'set req.http.{Hop.PASS} = "1"'),)
        case RouteAction() as route:
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


def _print_route(route: RouteAction) -> str:
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


# What rules say of caching: remembered with the request, kept with the answer.

_SHARED = f'req.http.{Hop.TTL} && (req.method == "GET" || req.method == "HEAD")'


def wish_caching(cache: CacheAction, key: tuple[VariableRef, ...]) -> tuple[Act, ...]:
    """Return vcl_recv's part of a rule: what the operator wants of the answer."""
    numbers = (
        (Hop.TTL, cache.ttl_seconds),
        (Hop.GRACE, cache.grace_seconds),
        (Hop.STALE_IF_ERROR, cache.stale_if_error_seconds),
    )
    return (
        *(act(f'set req.http.{name} = "{seconds}"') for name, seconds in numbers if seconds is not None),
        *((act(f"set req.http.{Hop.TAGS} = {quote(' '.join(cache.tags))}"),) if cache.tags else ()),
        *(statement for reads in key for statement in _tell_apart(reads)),
    )


def forget_wishes() -> tuple[Statement, ...]:
    """Return vcl_recv's part behind the rules: what is cached for everybody is fetched as for nobody.

    Of the cookies, only those that the key names are left: the others make no difference to who may see the answer.
    """
    return (
        act(f"unset req.http.{Hop.LISTS}"),
        act(f"unset req.http.{Hop.SWITCHES}"),
        when(f"req.http.{Hop.PASS}", act("return (pass)")),
        when(
            _SHARED,
            act("unset req.http.Authorization"),
            act("unset req.http.Cookie"),
            when(f"req.http.{Hop.COOKIE}", act(f"set req.http.Cookie = req.http.{Hop.COOKIE}")),
            act("return (hash)"),
        ),
    )


def hash_key() -> Statement:
    """Return vcl_hash's part."""
    return when(f"req.http.{Hop.KEY}", act(f"hash_data(req.http.{Hop.KEY})"))


def adjust_page() -> Block:
    """Return the subroutine that gives an answer the freshness and the labels that the rules want."""
    return sub(
        "adjust_page",
        when(
            f'bereq.http.{Hop.TTL} && !bereq.uncacheable && beresp.status < 500 && beresp.http.Cache-Control !~ "(?i)no-store|private"'
            " && !beresp.http.Set-Cookie",
            act(f'set beresp.ttl = std.duration(bereq.http.{Hop.TTL} + "s", 0s)'),
            act("unset beresp.http.Expires"),
            act(f'set beresp.http.Cache-Control = "public, max-age=" + bereq.http.{Hop.TTL}'),
        ),
        when(
            f"bereq.http.{Hop.TAGS}",
            act(f'set beresp.http.Surrogate-Key = beresp.http.Surrogate-Key + " " + bereq.http.{Hop.TAGS}'),
        ),
    )


def _tell_apart(reads: VariableRef) -> tuple[Act, ...]:
    """In hexadecimal, so that no two keys look the same, whatever a visitor writes."""
    spelled = reads.spell(EdgeDialect.CACHE)
    coded = f'blob.transcode(IDENTITY, HEX, encoded="" + {spelled})'
    told = act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} + {coded} + "|"')
    if reads.variable is not REQUEST_COOKIE:
        return (told,)
    cookie = f'req.http.{Hop.COOKIE} + "; {reads.key}=" + {spelled}'
    return told, act(f'set req.http.{Hop.COOKIE} = regsub({cookie}, "^; ", "")')


# Arms of a split: chosen once by weight, then kept in the visitor's cookie, which the ingress sets.


def choose_arm(name: str, split: Split) -> tuple[Statement, ...]:
    """Return vcl_recv's part: the visitor's arm, for the origin to read as well; each arm is cached apart."""
    arm = f"req.http.{Hop.ARM}-{name}"
    cookie = cookie_of(name)
    known = "|".join(split.arms)
    return (
        act(f'set {arm} = regsub(req.http.Cookie, "^(?:(?:.*;)? *{cookie}=([^;]*).*|.*)$", "\\1")'),
        when(
            f'{arm} !~ "^({known})$"',
            act(f"set req.http.{Hop.COIN} = std.random(0.0, {sum(split.arms.values())}.0)"),
            If(branches=tuple(_deal(arm, split))),
            act(f"set req.http.{Hop.NEW_ARM}-{name} = {arm}"),
        ),
        act(f"set req.http.{ARM_PREFIX}{name} = {arm}"),
        act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} + {arm} + "|"'),
        act(f'set req.http.Cookie = regsuball(req.http.Cookie, "(^|; *){cookie}=[^;]*", "")'),
        act('set req.http.Cookie = regsub(req.http.Cookie, "^; *", "")'),
        when('req.http.Cookie == ""', act("unset req.http.Cookie")),
    )


def hand_on_arm(name: str) -> If:
    """Return the part of an answer: the ingress turns it into a cookie, and logs it."""
    return when(
        f"req.http.{Hop.NEW_ARM}-{name}",
        act(f"set resp.http.{Hop.ARM}-{name} = req.http.{Hop.NEW_ARM}-{name}"),
    )


def _deal(arm: str, split: Split) -> Iterator[Branch]:
    below = 0
    last = next(reversed([name for name, weight in split.arms.items() if weight]))
    for name, weight in split.arms.items():
        below += weight
        condition = "" if name == last else f"std.real(req.http.{Hop.COIN}, 0.0) < {below}.0"
        if weight:
            yield Branch(condition=condition, body=(act(f'set {arm} = "{name}"'),))
