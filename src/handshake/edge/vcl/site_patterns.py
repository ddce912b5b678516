"""The paths of `_redirects` and `_headers` as patterns of VCL, and their placeholders as its groups."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handshake.core.site_contract import Dialect
from handshake.syntax.vcl import escape_pattern

_WILD = re.compile(r":[A-Za-z]\w*|\*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A path's pattern without its anchors, and the group that each placeholder is."""

    text: str
    groups: dict[str, int]


def is_static(path: str) -> bool:
    """Tell whether a rule's path is one path alone."""
    return not _WILD.search(path)


def bare(path: str, dialect: Dialect) -> str:
    """Return a path as rules of one path are compared."""
    return path.rstrip("/") if dialect is Dialect.NETLIFY else path


def compile_pattern(path: str, dialect: Dialect) -> Pattern:
    """Return what matches a rule's path as the dialect reads it; a query may follow behind a question mark."""
    ends_wide = dialect is Dialect.NETLIFY and path.endswith("/*")
    head = path[:-2] if ends_wide else bare(path, dialect)
    names = [_name(wild) for wild in _WILD.findall(head)] + (["splat"] if ends_wide else [])
    text = "".join(_print_piece(piece) for piece in re.split(r"(:[A-Za-z]\w*|\*)", head, flags=re.ASCII))
    end = "(?:/([^?]*))?" if ends_wide else "/?" if dialect is Dialect.NETLIFY else ""
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
