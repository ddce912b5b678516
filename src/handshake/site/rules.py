"""What `_redirects` and `_headers` share: numbered lines, path patterns and placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from handshake.core.problem import Location
from handshake.core.url_path import canonical_path, is_decodable
from handshake.release.manifest import RulesDialect

SPLAT = "splat"
_WILD = re.compile(r"(?P<name>:[A-Za-z]\w*)|(?P<splat>\*)", re.ASCII)
_MOST_CAPTURES = 8
"""VCL supports nine captures, and one is needed for the query."""


def find_fault(pattern: str, dialect: RulesDialect) -> str:
    """Return what is wrong with a pattern, empty if nothing is."""
    names = [found["name"] or SPLAT for found in _WILD.finditer(pattern)]
    faults = {
        "does not start with a slash": not pattern.startswith("/"),
        "contains a percent sign that is not part of an escape": not is_decodable(pattern),
        "contains ? or #, which paths cannot contain": "?" in pattern or "#" in pattern,
        "contains a placeholder twice, or more than one *": len(names) > len(set(names)),
        f"contains more than {_MOST_CAPTURES} placeholders": len(names) > _MOST_CAPTURES,
        "contains a * that is not its last part": dialect is RulesDialect.NETLIFY
        and "*" in pattern.removesuffix("/*"),
    }
    return next((fault for fault, is_found in faults.items() if is_found), "")


def normalise(pattern: str) -> str:
    """Return a pattern with its literal parts in their one spelling."""
    pieces = _split(pattern)
    return "".join(piece if _WILD.fullmatch(piece) else canonical_path(piece) for piece in pieces)


def is_static(pattern: str) -> bool:
    """Return whether a pattern matches one path alone."""
    return not _WILD.search(pattern)


def placeholders(text: str) -> frozenset[str]:
    """Return the names that a pattern gives, or that a target asks for."""
    return frozenset((found["name"] or f":{SPLAT}")[1:] for found in _WILD.finditer(text))


def bare_path(path: str, dialect: RulesDialect) -> str:
    """Return a path without the slash at its end where that makes no difference."""
    return path.rstrip("/") if dialect is RulesDialect.NETLIFY else path


def match(pattern: str, path: str, dialect: RulesDialect) -> dict[str, str] | None:
    """Return what the placeholders stand for in a path in its one spelling, None if it does not match."""
    if is_static(pattern):
        return {} if bare_path(pattern, dialect) == bare_path(path, dialect) else None
    found = _compile(pattern, dialect).fullmatch(path)
    return {name: value or "" for name, value in found.groupdict().items()} if found else None


def fill_in(target: str, values: Mapping[str, str]) -> str:
    """Return a target with its placeholders replaced."""
    return _WILD.sub(lambda found: values.get((found["name"] or "*")[1:], found[0]), target)


def samples(pattern: str) -> tuple[str, ...]:
    """Return paths that stand for all that a pattern matches: a rule that takes them takes the rest too."""
    named = "".join(
        f"~{piece[1:]}~" if piece.startswith(":") and _WILD.fullmatch(piece) else piece
        for piece in _split(pattern)
    )
    return (
        tuple(named.replace("*", rest) for rest in ("", "~a~", "~a~/~b~/~c~")) if "*" in named else (named,)
    )


@lru_cache(maxsize=8192)
def _compile(pattern: str, dialect: RulesDialect) -> re.Pattern[str]:
    if dialect is RulesDialect.NETLIFY and pattern.endswith("/*"):
        return re.compile(f"{_print(pattern[:-2])}(?:/(?P<{SPLAT}>.*))?", re.DOTALL)
    end = "/?" if dialect is RulesDialect.NETLIFY else ""
    return re.compile(_print(bare_path(pattern, dialect)) + end, re.DOTALL)


def _print(pattern: str) -> str:
    printed = []
    for piece in _split(pattern):
        if piece == "*":
            printed.append(f"(?P<{SPLAT}>.*)")
        elif _WILD.fullmatch(piece):
            printed.append(f"(?P<{piece[1:]}>[^/]+)")
        else:
            printed.append(re.escape(piece))
    return "".join(printed)


def _split(pattern: str) -> list[str]:
    return [piece for piece in re.split(r"(:[A-Za-z]\w*|\*)", pattern, flags=re.ASCII) if piece]


# The lines of `_redirects` and `_headers`, each with its number.

_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True, kw_only=True)
class RuleLine:
    """A line that is neither empty nor a comment."""

    text: str
    """Without surrounding white space."""
    is_indented: bool
    where: Location


def read_lines(text: str, shown_as: str) -> Iterator[RuleLine]:
    """Yield the lines that say something; a comment runs from a `#` that stands alone to the end of its line."""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        bare = _COMMENT.sub("", line)
        if stripped := bare.strip():
            column = len(bare) - len(bare.lstrip()) + 1
            where = Location(file=shown_as, line=number, column=column)
            yield RuleLine(text=stripped, is_indented=column > 1, where=where)
