"""`_redirects` as VCL: rules of one path as blocks of text that are chosen by halving, all others one by one.

What a path is sent to is one word in Hop.REDIRECT: the status, `!` where a file does not go before the rule, `=`
where the request's query does not go along, and the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from handshake.core.hop_header import Hop
from handshake.core.site_contract import MOVES, Dialect, RedirectRule, SiteContract
from handshake.core.url_path import canonical_path
from handshake.edge.vcl.decision import Leaf, decide_range
from handshake.edge.vcl.site_paths import BELOW
from handshake.edge.vcl.site_patterns import bare, compile_pattern, is_static, refer
from handshake.syntax.vcl import Act, Block, Branch, If, Statement, act, escape_pattern, quote, sub, when

_BLOCK = 32
"""Rules of one path in a block: it is copied and searched for a request whose path falls between its ends."""
_BLOCK_BYTES = 4096
_GROUP = 16
"""Other rules behind one test that none of them can match."""
_ANSWER = f"req.http.{Hop.REDIRECT}"
_ASKED = f'{BELOW} + "?&" + req.http.{Hop.SEARCH} + "&"'
_BARE = f"req.http.{Hop.BARE}"
_TABLE = f"req.http.{Hop.BLOCK}"
_END = "|"
_IN_BLOCK = r"^([^|]*)\|(?:[^|]*\|)*?\1 ([^|]+)\|.*$|^.*$"
"""The path, then the block, in which no path and no target holds what ends a rule; what the path's line says is left, and nothing where there is no such line."""
_SECOND = r"\2"


def find_redirect(contract: SiteContract) -> tuple[Statement, ...]:
    """Return the statements that find the rule for a request, none where the release has no rules."""
    static, wide = _divide(contract.redirects, contract.dialect)
    return (*_look_up(static, contract), *_try_in_turn(wide, contract))


def follow_redirect() -> Block:
    """Return the subroutine that does what the rule says; one that shows a file leaves its address in Hop.BELOW."""
    target = f"req.http.{Hop.TARGET}"
    location = f"req.http.{Hop.LOCATION}"
    has_query = f'req.http.{Hop.SEARCH} != "" && req.http.{Hop.FLAGS} !~ "=" && {target} !~ "\\?"'
    carried = (
        f'regsub({location}, "#.*$", "") + "?" + req.http.{Hop.SEARCH} + regsub({location}, "^[^#]*", "")'
    )
    return sub(
        "follow_redirect",
        act(f'set req.http.{Hop.STATUS} = regsub({_ANSWER}, "^([0-9]+).*$", "\\1")'),
        act(f'set req.http.{Hop.FLAGS} = regsub({_ANSWER}, "^[0-9]+([!=]*) .*$", "\\1")'),
        act(f'set {target} = regsub({_ANSWER}, "^[^ ]* ", "")'),
        act(f"unset {_ANSWER}"),
        If(
            branches=(
                Branch(
                    condition=f'req.http.{Hop.STATUS} == "200" || req.http.{Hop.STATUS} == "404"',
                    body=(
                        act(f"set {BELOW} = {target}"),
                        when(f'req.http.{Hop.STATUS} == "404"', act(f'set req.http.{Hop.SHOWN} = "404"')),
                    ),
                ),
                Branch(
                    condition="",
                    body=(
                        act(f"set {location} = {target}"),
                        when(f'{target} ~ "^/"', act(f"set {location} = req.http.{Hop.MOUNT} + {target}")),
                        when(has_query, act(f"set {location} = {carried}")),
                        act(f"return (synth(std.integer(req.http.{Hop.STATUS}, 302)))"),
                    ),
                ),
            )
        ),
    )


def _divide(
    rules: Iterable[RedirectRule], dialect: Dialect
) -> tuple[dict[str, RedirectRule], list[RedirectRule]]:
    """Separate rules of one path, which can be looked up, from those that must be tried in their order."""
    static: dict[str, RedirectRule] = {}
    wide: list[RedirectRule] = []
    patterns: list[re.Pattern[str]] = []
    for rule in rules:
        key = bare(rule.pattern, dialect)
        if (
            not is_static(rule.pattern)
            or rule.query
            or any(each.fullmatch(rule.pattern) for each in patterns)
        ):
            wide.append(rule)
            patterns.append(re.compile(compile_pattern(rule.pattern, dialect).text))
        else:
            static.setdefault(key, rule)
    return static, wide


def _look_up(static: dict[str, RedirectRule], contract: SiteContract) -> tuple[Statement, ...]:
    if not static:
        return ()
    lines = [(key, f"{key} {_answer(static[key], contract)}{_END}") for key in sorted(static)]
    leaves = [
        Leaf(key=block[0][0], body=(_name_block("".join(line for _, line in block)),))
        for block in _cut(lines)
    ]
    spelled = "bare_path" if contract.dialect is Dialect.NETLIFY else "whole_path"
    return (
        act(f"call {spelled}"),
        *decide_range(_BARE, leaves),
        act("call search_block"),
    )


def _cut(lines: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield blocks of a size that a request's memory holds several times over."""
    block: list[tuple[str, str]] = []
    for key, line in lines:
        if block and (len(block) == _BLOCK or sum(len(each) for _, each in block) > _BLOCK_BYTES):
            yield block
            block = []
        block.append((key, line))
    yield block


def _name_block(block: str) -> Act:
    return act(f"set {_TABLE} = {quote(_END + block)}")


def look_up() -> tuple[Block, ...]:
    """Return what all sites share: a pattern costs the compiler more than a call."""
    return (
        sub("bare_path", act(f'set {_BARE} = regsub({BELOW}, "/+$", "")')),
        sub("whole_path", act(f"set {_BARE} = {BELOW}")),
        sub(
            "search_block",
            act(f"set {_ANSWER} = regsub({_BARE} + {_TABLE}, {quote(_IN_BLOCK)}, {quote(_SECOND)})"),
            act(f"unset {_TABLE}"),
            when(f'{_ANSWER} == ""', act(f"unset {_ANSWER}")),
        ),
    )


def _try_in_turn(wide: list[RedirectRule], contract: SiteContract) -> Iterator[Statement]:
    if not wide:
        return
    yield act(f"set req.http.{Hop.QUESTION} = {_ASKED}")
    for start in range(0, len(wide), _GROUP):
        group = wide[start : start + _GROUP]
        tests = tuple(_try_rule(rule, contract) for rule in group)
        patterns = "|".join(compile_pattern(rule.pattern, contract.dialect).text for rule in group)
        chain = If(branches=tests)
        may_match = f"req.http.{Hop.QUESTION} ~ {quote(f'^(?:{patterns})' + chr(92) + '?')}"
        yield when(f"!{_ANSWER} && {may_match}", chain) if len(group) > 1 else when(f"!{_ANSWER}", chain)


def _try_rule(rule: RedirectRule, contract: SiteContract) -> Branch:
    pattern = compile_pattern(rule.pattern, contract.dialect)
    groups = dict(pattern.groups)
    looks = []
    for name, value in rule.query:
        if value.startswith(":"):
            groups[value[1:]] = len(groups) + 1
        # The first parameter of a name counts.
        value_pattern = "([^&]*)" if value.startswith(":") else escape_pattern(value)
        its = f"&{escape_pattern(name)}="
        looks.append(f"(?=(?:(?!{its}).)*{its}{value_pattern}&)")
    whole = quote(rf"^{pattern.text}\?{''.join(looks)}.*$")
    target = quote(refer(_answer(rule, contract), groups))
    return Branch(
        condition=f"req.http.{Hop.QUESTION} ~ {whole}",
        body=(act(f"set {_ANSWER} = regsub(req.http.{Hop.QUESTION}, {whole}, {target})"),),
    )


def _answer(rule: RedirectRule, contract: SiteContract) -> str:
    flags = ("!" if rule.is_forced else "") + ("=" if rule.query else "")
    return f"{rule.status}{flags} {_address(rule, contract)}"


def _address(rule: RedirectRule, contract: SiteContract) -> str:
    """Return the target; a file that is shown in place is named by its one address."""
    if rule.status in MOVES:
        return rule.target
    target = canonical_path(rule.target) if is_static(rule.target) else rule.target
    if target.endswith("/index.html"):
        return target.removesuffix("index.html")
    return target.removesuffix(".html") if contract.is_pretty else target
