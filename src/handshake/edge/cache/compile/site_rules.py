"""`_redirects` and `_headers` as VCL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from handshake.core.hop_header import Hop
from handshake.core.url_path import canonical_path
from handshake.edge.cache.compile.decision import Leaf, decide, decide_range
from handshake.edge.cache.compile.site_paths import BELOW
from handshake.release.manifest import MOVES, HeaderRule, RedirectRule, RulesDialect, SiteContract
from handshake.syntax.vcl import Act, Block, Branch, If, Statement, act, escape_pattern, quote, sub, when

_BLOCK = 32
"""Rules per path in a block, which is copied and searched for a request whose path falls between its ends."""
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
    rules: Iterable[RedirectRule], dialect: RulesDialect
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
    spelled = "bare_path" if contract.dialect is RulesDialect.NETLIFY else "whole_path"
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


# `_headers` as VCL: what its rules say is gathered by name, and then takes the place of what the answer says.

_ASKED_SITE_HEADERS = f"req.http.{Hop.ASKED}"
"""The path below the mount as requested by the visitor."""
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


def _apply(rule: HeaderRule, dialect: RulesDialect) -> If:
    pattern = compile_pattern(rule.pattern, dialect)
    whole = quote(f"^{pattern.text}$")
    unsets = tuple(_unset(name.lower()) for name in rule.unsets)
    sets = tuple(_set(name.lower(), value, pattern.groups, whole) for name, value in rule.sets)
    return when(f"{_ASKED_SITE_HEADERS} ~ {whole}", *(part for parts in (*unsets, *sets) for part in parts))


def _unset(name: str) -> tuple[Statement, ...]:
    return act(f"unset resp.http.{Hop.SET}-{name}"), act(f'set resp.http.{Hop.DROP}-{name} = "yes"')


def _set(name: str, value: str, groups: dict[str, int], whole: str) -> tuple[Statement, ...]:
    filled = refer(value, groups)
    # Without a placeholder, a backslash of the value means itself.
    said = (
        quote(value)
        if filled.replace("\\\\", "\\") == value
        else f"regsub({_ASKED_SITE_HEADERS}, {whole}, {quote(filled)})"
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


# The paths of `_redirects` and `_headers` as patterns of VCL, and their placeholders as its groups.

_WILD = re.compile(r":[A-Za-z]\w*|\*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A path's pattern without anchors, and the group of each placeholder."""

    text: str
    groups: dict[str, int]


def is_static(path: str) -> bool:
    """Return whether a rule's path is one path alone."""
    return not _WILD.search(path)


def bare(path: str, dialect: RulesDialect) -> str:
    """Return a path as rules of one path are compared."""
    return path.rstrip("/") if dialect is RulesDialect.NETLIFY else path


def compile_pattern(path: str, dialect: RulesDialect) -> Pattern:
    """Return what matches a rule's path as the dialect reads it; a query may follow behind a question mark."""
    ends_wide = dialect is RulesDialect.NETLIFY and path.endswith("/*")
    head = path[:-2] if ends_wide else bare(path, dialect)
    names = [_name(wild) for wild in _WILD.findall(head)] + (["splat"] if ends_wide else [])
    text = "".join(_print_piece(piece) for piece in re.split(r"(:[A-Za-z]\w*|\*)", head, flags=re.ASCII))
    end = "(?:/([^?]*))?" if ends_wide else "/?" if dialect is RulesDialect.NETLIFY else ""
    return Pattern(text=text + end, groups={name: number for number, name in enumerate(names, 1)})


def refer(text: str, groups: dict[str, int]) -> str:
    """Return a text with its placeholders as references to groups, for `regsub`."""
    pieces = re.split(r"(:[A-Za-z]\w*)", text.replace("\\", "\\\\"), flags=re.ASCII)
    return "".join(
        f"\\{groups[_name(piece)]}" if piece.startswith(":") and _name(piece) in groups else piece
        for piece in pieces
    )


def _name(placeholder: str) -> str:
    return "splat" if placeholder == "*" else placeholder[1:]


def _print_piece(piece: str) -> str:
    if piece == "*":
        return "([^?]*)"
    return "([^/?]+)" if _WILD.fullmatch(piece) else escape_pattern(piece)
