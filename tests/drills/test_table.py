"""The page about these drills names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reference" / "fleet-drills.md"
ROW = re.compile(r"^\| (\d+) \|.*", re.MULTILINE)
NAMED = re.compile(r"`([\w/-]+\.py)(?:::(\w+))?`")


def test_every_drill_has_its_tests() -> None:
    """Eighteen drills have a row each, in order, and each names at least one test, all of which exist."""
    rows = list(ROW.finditer(PAGE.read_text()))
    assert [int(row[1]) for row in rows] == list(range(1, 19))
    for row in rows:
        named = NAMED.findall(row[0])
        assert named, row[0]
        assert [name for name in named if not exists(*name)] == []


def exists(file: str, test: str) -> bool:
    """Tell whether a file under tests/ has a test of this name, or any where none is named."""
    path = TESTS / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module(body=[], type_ignores=[])
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return test in names if test else bool(names)
