"""nginx's configuration language: directives of words, and the printer that quotes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BARE = re.compile(r"[A-Za-z0-9_./:=+*!~^()|$@-]+")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


@dataclass(frozen=True, kw_only=True)
class Directive:
    """One statement, or a block where it has a body."""

    words: tuple[str, ...]
    body: tuple[Directive, ...] = ()


def directive(*words: str) -> Directive:
    """Return a statement made of these words; a `$name` in them is nginx's variable."""
    return Directive(words=words)


def block(words: Sequence[str], *body: Directive) -> Directive:
    """Return a block."""
    return Directive(words=tuple(words), body=body)


def literal(text: str) -> str:
    """Return a text that means itself; ValueError where it holds a `$`, which nginx has no way to escape."""
    if "$" in text:
        raise ValueError(f"{text!r} holds a $, which nginx reads as a variable: choose another path")
    return text


def print_nginx(directives: Sequence[Directive]) -> str:
    """Return the configuration text."""
    return "".join(_print(statement, "") for statement in directives)


def quote_word(word: str) -> str:
    """Return one word as nginx reads it back; ValueError for control characters that no escape stands for."""
    if _BARE.fullmatch(word):
        return word
    escaped = word.translate(_ESCAPES)
    if any(ord(character) < ord(" ") for character in escaped):
        raise ValueError(f"{word!r} holds a control character, which no nginx configuration can carry")
    return f'"{escaped}"'


def _print(statement: Directive, indent: str) -> str:
    heading = indent + " ".join(quote_word(word) for word in statement.words)
    if not statement.body:
        return f"{heading};\n"
    inner = "".join(_print(child, indent + "    ") for child in statement.body)
    return f"{heading} {{\n{inner}{indent}}}\n"
