"""Places inside a written value, as places in the file."""

from __future__ import annotations

import re

from handshake.config.source import Path, Source
from handshake.core.problem import Location, Problem
from handshake.edge.fault import Fault

_VALUE = re.compile(r"""[^=]*=\s*(?P<quote>'''|\"\"\"|'|")(?P<newline>\r?\n)?""")


def to_problem(source: Source, path: Path, fault: Fault) -> Problem:
    """Return a fault inside a text value as a problem of the file."""
    where = locate(source, path, line=fault.line, column=fault.column)
    return Problem(check=fault.check, what=fault.what, where=where, hint=fault.hint)


def locate(source: Source, path: Path, *, line: int, column: int) -> Location:
    """Return where in the file a line and column of a text value stand.

    Exact for literal strings; in basic strings every escape before it shifts the column.
    """
    key = source.at(*path)
    if not key.line:
        return key
    rest = source.text.split("\n", key.line - 1)[-1].encode()[key.column - 1 :].decode(errors="replace")
    found = _VALUE.match(rest)
    if not found:
        return key
    first_line = key.line + rest.count("\n", 0, found.end())
    begins_anew = "\n" in found[0]
    shift = len(found[0]) - found[0].rfind("\n") - 1 if begins_anew else key.column - 1 + found.end()
    return Location(file=key.file, line=first_line + line - 1, column=column + shift if line == 1 else column)
