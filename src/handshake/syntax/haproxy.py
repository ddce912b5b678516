"""HAProxy's configuration language: sections of lines of words, and the printer that quotes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_BARE = re.compile(r"[A-Za-z0-9_.,:;/@%+\-*()\[\]{}=!|&<>?^~]+")
_ESCAPES = {"'": "'\\''", "\n": "'\\n'", "\r": "'\\r'", "\t": "'\\t'"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One statement: its words, and the policy line that it comes from."""

    words: tuple[str, ...]
    because: str = ""
    """Printed as a comment above the line: `edge.toml:12 the-wall`."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section such as `frontend public`."""

    words: tuple[str, ...]
    lines: tuple[Line, ...] = field(default_factory=tuple)


def line(*words: str, because: str = "") -> Line:
    """Return a statement made of these words; each is one argument, whatever it contains."""
    return Line(words=words, because=because)


def print_haproxy(sections: Iterable[Section]) -> str:
    """Return the configuration text."""
    return "\n".join(_print_section(section) for section in sections)


def quote_word(word: str) -> str:
    """Return one word as HAProxy reads it: bare if possible, otherwise in double quotes.

    A quote, and white space that would end the line, are escaped outside the quotes.
    ValueError for other control characters: no quoting can represent them.
    """
    if _BARE.fullmatch(word):
        return word
    if any(character < " " and character not in _ESCAPES for character in word):
        raise ValueError(
            f"{word!r} contains a control character, which HAProxy configurations cannot represent"
        )
    return "'" + "".join(_ESCAPES.get(character, character) for character in word) + "'"


def _print_section(section: Section) -> str:
    heading = " ".join(quote_word(word) for word in section.words)
    return "".join([heading, "\n", *(_print_line(statement) for statement in section.lines)])


def _print_line(statement: Line) -> str:
    comment = f"    # {' '.join(statement.because.split())}\n" if statement.because else ""
    return f"{comment}    {' '.join(quote_word(word) for word in statement.words)}\n"
