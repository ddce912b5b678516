"""`_headers` as VCL: what its rules say is gathered by name, and then takes the place of what the answer says."""

from __future__ import annotations

from collections.abc import Sequence

from handshake.core.hop_header import Hop
from handshake.core.site_contract import Dialect, HeaderRule, SiteContract
from handshake.edge.vcl.decision import Leaf, decide
from handshake.edge.vcl.site_patterns import compile_pattern, refer
from handshake.syntax.vcl import Act, Block, If, Statement, act, quote, sub, when

_ASKED = f"req.http.{Hop.ASKED}"
"""The path below the mount as the visitor asked for it."""
_NAME = f"req.http.{Hop.HEADERS}"


def remember_headers(name: str, contract: SiteContract) -> tuple[Act, ...]:
    """Return vcl_recv's part: whose rules the answer follows."""
    return (act(f'set {_NAME} = "{name}"'),) if contract.headers else ()


def describe_headers(name: str, contract: SiteContract) -> tuple[Block, ...]:
    """Return the subroutine of vcl_deliver, none where the release has no rules."""
    if not contract.headers:
        return ()
    names = dict.fromkeys(its for rule in contract.headers for its in _names_of(rule))
    rules = tuple(_apply(rule, contract.dialect) for rule in contract.headers)
    return (sub(name, *rules, *(part for its in names for part in _settle(its))),)


def add_headers(named: Sequence[tuple[str, SiteContract]]) -> Block:
    """Return the subroutine that calls the rules of the release that was served."""
    leaves = [Leaf(key=name, body=(act(f"call {name}"),)) for name, contract in named if contract.headers]
    return sub("add_headers", *(decide(_NAME, leaves) or (act(f"unset {_NAME}"),)))


def _names_of(rule: HeaderRule) -> tuple[str, ...]:
    return tuple(name.lower() for name in (*(name for name, _ in rule.sets), *rule.unsets))


def _apply(rule: HeaderRule, dialect: Dialect) -> If:
    pattern = compile_pattern(rule.pattern, dialect)
    whole = quote(f"^{pattern.text}$")
    unsets = tuple(_unset(name.lower()) for name in rule.unsets)
    sets = tuple(_set(name.lower(), value, pattern.groups, whole) for name, value in rule.sets)
    return when(f"{_ASKED} ~ {whole}", *(part for parts in (*unsets, *sets) for part in parts))


def _unset(name: str) -> tuple[Statement, ...]:
    return act(f"unset resp.http.{Hop.SET}-{name}"), act(f'set resp.http.{Hop.DROP}-{name} = "yes"')


def _set(name: str, value: str, groups: dict[str, int], whole: str) -> tuple[Statement, ...]:
    filled = refer(value, groups)
    # Without a placeholder, a backslash of the value means itself.
    said = (
        quote(value)
        if filled.replace("\\\\", "\\") == value
        else f"regsub({_ASKED}, {whole}, {quote(filled)})"
    )
    gathered = f"resp.http.{Hop.SET}-{name}"
    return (act(f'set {gathered} = {gathered} + ", " + {said}'),)


def _settle(name: str) -> tuple[Statement, ...]:
    gathered = f"resp.http.{Hop.SET}-{name}"
    return (
        when(
            f"resp.http.{Hop.DROP}-{name}",
            act(f"unset resp.http.{name}"),
            act(f"unset resp.http.{Hop.DROP}-{name}"),
        ),
        when(
            gathered, act(f'set resp.http.{name} = regsub({gathered}, "^, ", "")'), act(f"unset {gathered}")
        ),
    )
