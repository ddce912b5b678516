"""A TOML text as a tree of plain values, with the position of each value in the file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from handshake.core.problem import Location, Problem, ProblemsError

Step = str | int
Path = tuple[Step, ...]

_LANGUAGE = Language(tree_sitter_toml.language())
_KEYS = {"bare_key", "quoted_key", "dotted_key"}
_TOML_POSITION = re.compile(r"\s*\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One configuration file, read."""

    file: str
    """The file's name as shown in errors."""
    text: str
    values: dict[str, Any]
    places: dict[Path, tuple[int, int]]

    def at(self, *path: Step) -> Location:
        """Return the position of a value, or of its nearest ancestor if it is missing."""
        for length in range(len(path), 0, -1):
            if place := self.places.get(path[:length]):
                return Location(file=self.file, line=place[0], column=place[1])
        return Location(file=self.file)


def parse_source(file: str, text: str) -> Source:
    """Return the text's values with their positions; raise ProblemsError if it is not valid TOML."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProblemsError([_syntax_problem(file, str(error))]) from error
    places: dict[Path, tuple[int, int]] = {}
    root = Parser(_LANGUAGE).parse(text.encode()).root_node
    _place_document(root, places)
    return Source(file=file, text=text, values=values, places=places)


def _syntax_problem(file: str, message: str) -> Problem:
    found = _TOML_POSITION.search(message)
    line, column = (int(number) for number in found.groups()) if found else (0, 0)
    return Problem(
        check="syntax",
        what=f"not valid TOML: {_TOML_POSITION.sub('', message)}",
        where=Location(file=file, line=line, column=column),
        hint="Correct the line; https://toml.io describes the format.",
    )


def _place_document(root: Node, places: dict[Path, tuple[int, int]]) -> None:
    lengths: dict[Path, int] = {}
    for child in root.named_children:
        if child.type == "pair":
            _place_pair(child, (), places)
        elif child.type in {"table", "table_array_element"}:
            _place_table(child, lengths, places)


def _place_table(node: Node, lengths: dict[Path, int], places: dict[Path, tuple[int, int]]) -> None:
    """Record a `[table]` or an element of `[[tables]]`; below the latter, paths go through the last element."""
    heading, *pairs = [child for child in node.named_children if child.type != "comment"]
    path: Path = ()
    keys = _key_steps(heading)
    for number, key in enumerate(keys, 1):
        path = (*path, key)
        if number == len(keys) and node.type == "table_array_element":
            lengths[path] = lengths.get(path, 0) + 1
        if path in lengths:
            path = (*path, lengths[path] - 1)
    places.setdefault(path, _place(heading))
    for pair in pairs:
        _place_pair(pair, path, places)


def _place_pair(pair: Node, parent: Path, places: dict[Path, tuple[int, int]]) -> None:
    key, value = [child for child in pair.named_children if child.type != "comment"]
    path = parent
    for step in _key_steps(key):
        path = (*path, step)
        places.setdefault(path, _place(key))
    _place_value(value, path, places)


def _place_value(value: Node, path: Path, places: dict[Path, tuple[int, int]]) -> None:
    children = [child for child in value.named_children if child.type != "comment"]
    if value.type == "inline_table":
        for pair in children:
            _place_pair(pair, path, places)
    elif value.type == "array":
        for number, element in enumerate(children):
            places[*path, number] = _place(element)
            _place_value(element, (*path, number), places)


def _key_steps(node: Node) -> tuple[str, ...]:
    if node.type == "dotted_key":
        return tuple(step for child in node.named_children for step in _key_steps(child))
    text = (node.text or b"").decode()
    # A quoted key is a TOML string: the TOML reader removes its quotes.
    return (next(iter(tomllib.loads(f"{text} = 0"))),)


def _place(node: Node) -> tuple[int, int]:
    return node.start_point.row + 1, node.start_point.column + 1
