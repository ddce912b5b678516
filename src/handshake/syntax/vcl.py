"""Varnish's configuration language: a small tree of declarations and statements, and its printer.

Fastly's dialect (`syntax/fastly_vcl.py`) is printed from the same tree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

_INDENT = "    "
_LOWEST_PRINTABLE = " "
_WHITESPACE = "\n\r\t"


@dataclass(frozen=True, kw_only=True)
class Act:
    """One statement, such as `set req.url = "/"`, without its semicolon."""

    text: str
    because: str = ""
    """Printed as a comment above the statement: `edge.toml:12 the-wall`."""


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """A line that is not a statement and ends without a semicolon: a table's entry, one of Fastly's macros."""

    text: str
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class If:
    """Branches, tried in order; an empty condition on the last one means else."""

    branches: tuple[Branch, ...]
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A condition and the statements to run if it holds."""

    condition: str
    body: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A declaration with a body: `sub vcl_recv`, `backend gateway`, `acl rule_1 +table`."""

    heading: str
    body: tuple[Statement, ...]
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Bare:
    """A declaration without a body: `import std`, `backend none none`."""

    text: str


Statement: TypeAlias = Act | TableRow | If
Declaration: TypeAlias = Block | Bare


def act(text: str, because: str = "") -> Act:
    """Return a statement."""
    return Act(text=text, because=because)


def when(condition: str, *body: Statement, because: str = "") -> If:
    """Return an `if` of one branch."""
    return If(branches=(Branch(condition=condition, body=body),), because=because)


def sub(name: str, *body: Statement, because: str = "") -> Block:
    """Return a subroutine."""
    return Block(heading=f"sub {name}", body=body, because=because)


def field(name: str, value: str) -> Act:
    """Return one field of a backend: `.path = "/run/x.sock"`."""
    return Act(text=f".{name} = {value}")


def print_vcl(declarations: Iterable[Declaration]) -> str:
    """Return the text of a VCL file."""
    return f"vcl 4.1;\n\n{print_declarations(declarations)}"


def print_declarations(declarations: Iterable[Declaration]) -> str:
    """Return the text of declarations, without the line that names the language."""
    return "\n".join(_print_declaration(declaration) for declaration in declarations)


def quote(text: str) -> str:
    """Return a string as VCL reads it; ValueError for control characters other than white space.

    VCL has no escapes: text with a quote becomes a long string, and what would end a long string is split in two.
    """
    if any(character < _LOWEST_PRINTABLE and character not in _WHITESPACE for character in text):
        raise ValueError(f"{text!r} contains a control character, which VCL strings cannot represent")
    if '"' not in text and not any(character in text for character in _WHITESPACE):
        return f'"{text}"'
    return " + ".join(_quote_long(piece) for piece in _cut(text))


def quote_literal(text: str) -> str:
    """Return a pattern that matches exactly this text, quoted."""
    return quote(escape_pattern(text))


def escape_pattern(text: str) -> str:
    """Return a PCRE2 pattern that matches exactly this text."""
    return "".join(f"\\{character}" if character in r"\^$.|?*+()[]{}" else character for character in text)


def _cut(text: str) -> list[str]:
    pieces = text.split('"}')
    heads = [piece + '"' for piece in pieces[:-1]]
    tails = ["", *("}" for _ in pieces[:-1])]
    return [tail + piece for tail, piece in zip(tails, [*heads, pieces[-1]], strict=True)]


def _quote_long(piece: str) -> str:
    return '{"' + piece + '"}'


def _print_declaration(declaration: Declaration) -> str:
    match declaration:
        case Bare(text=text):
            return f"{text};\n"
        case Block(heading=heading, body=body, because=because):
            return f"{_print_comment(because, '')}{heading} {{\n{_print_body(body, _INDENT)}}}\n"


def _print_body(body: tuple[Statement, ...], indent: str) -> str:
    return "".join(_print_statement(statement, indent) for statement in body)


def _print_statement(statement: Statement, indent: str) -> str:
    comment = _print_comment(statement.because, indent)
    match statement:
        case Act(text=text):
            return f"{comment}{indent}{text};\n"
        case TableRow(text=text):
            return f"{comment}{indent}{text}\n"
        case If(branches=branches):
            return f"{comment}{indent}{' else '.join(_print_branch(branch, indent) for branch in branches)}\n"


def _print_branch(branch: Branch, indent: str) -> str:
    test = f"if ({branch.condition}) " if branch.condition else ""
    return f"{test}{{\n{_print_body(branch.body, indent + _INDENT)}{indent}}}"


def _print_comment(because: str, indent: str) -> str:
    return f"{indent}# {' '.join(because.split())}\n" if because else ""
