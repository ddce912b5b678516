"""The lines of `_redirects` and `_headers`, each with its number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from handshake.core.problem import Location

_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True, kw_only=True)
class RuleLine:
    """A line that is neither empty nor a comment."""

    text: str
    """Without the white space around it."""
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
