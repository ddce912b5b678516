"""Fastly's dialect of VCL: its strings, tables, ACLs and macros, over the tree of `syntax/vcl.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from handshake.syntax.vcl import Block, Declaration, Statement, TableRow, print_declarations, sub

_LOWEST_PRINTABLE = " "
_WHITESPACE = "\n\r\t"


def print_fastly(declarations: Iterable[Declaration]) -> str:
    """Return the text of a Fastly VCL file; no line names the language."""
    return print_declarations(declarations)


def quote(text: str) -> str:
    """Return one literal as Fastly reads it; ValueError for control characters other than white space.

    A short string decodes `%22`, and a long one decodes nothing, so text that could be read as an escape or an end
    becomes a long string. It stays one literal: a pattern cannot be concatenated.
    """
    if any(character < _LOWEST_PRINTABLE and character not in _WHITESPACE for character in text):
        raise ValueError(f"{text!r} contains a control character, which VCL strings cannot represent")
    if not any(character in text for character in ('"', "%", *_WHITESPACE)):
        return f'"{text}"'
    delimiter = next(word for word in _delimiters() if f'"{word}}}' not in text)
    return f'{{{delimiter}"{text}"{delimiter}}}'


def subroutine(name: str, *body: Statement) -> Block:
    """Return one of Fastly's own subroutines; its macro, where Fastly puts what it generates, comes first."""
    return sub(f"vcl_{name}", TableRow(text=f"#FASTLY {name}"), *body)


def table(name: str, items: Mapping[str, str]) -> Block:
    """Return a table of strings."""
    rows = tuple(TableRow(text=f"{quote(key)}: {quote(value)},") for key, value in items.items())
    return Block(heading=f"table {name}", body=rows)


def acl(name: str, networks: Iterable[tuple[str, int]]) -> Block:
    """Return an ACL of addresses with prefix lengths."""
    rows = tuple(TableRow(text=f'"{address}"/{length};') for address, length in networks)
    return Block(heading=f"acl {name}", body=rows)


def _delimiters() -> Iterable[str]:
    yield ""
    yield from (f"HS{number}" for number in count())
