"""ARCHITECTURE.md can be followed with a finger: what it names is there."""

import ast
import re
from functools import cache

from tests.meta.sources import REPOSITORY, SOURCES

_TEXT = " ".join((REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8").split())
_FILES = (*SOURCES.rglob("*.py"), *(REPOSITORY / "tests").rglob("*.py"))
_CODE = re.compile(r"`([\w/]+\.py)(?:: ?([\w.]+))?`")
_NAME = re.compile(r"`([A-Z]\w+\.[a-z_]+|[a-z]+_[a-z_]+)`")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_named_modules_and_functions_exist() -> None:
    """A module that the walks pass through exists, and so does the function they name in it."""
    lost = [f"{path}: {name}" for path, name in _CODE.findall(_TEXT) if not _is_there(path, name)]
    assert not lost


def test_names_in_the_walks_are_defined_somewhere() -> None:
    """A function that stands alone in a walk, because its file was just named, is defined in the package."""
    walks = _TEXT.partition("## Three walks")[2].partition("## What lies in the stores")[0]
    known = frozenset().union(*(_defined(file.read_text(encoding="utf-8")) for file in SOURCES.rglob("*.py")))
    named = _NAME.findall(walks)
    assert len(named) > 10
    assert not [name for name in named if name.rpartition(".")[2] not in known]


def test_every_invariant_names_tests_that_exist() -> None:
    """An invariant's test can be run under the name that stands there."""
    named = _TEST.findall(_TEXT)
    assert len(named) > 20
    lost = [
        f"{path}::{name}" for path, name in named if name not in _defined((REPOSITORY / path).read_text())
    ]
    assert not lost


def _is_there(path: str, name: str) -> bool:
    """Tell whether a module of this path, or end of a path, defines the name."""
    files = [file for file in _FILES if str(file).endswith(f"/{path}")]
    wanted = name.rpartition(".")[2]
    return any(not wanted or wanted in _defined(file.read_text(encoding="utf-8")) for file in files)


@cache
def _defined(source: str) -> frozenset[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return frozenset(node.name for node in ast.walk(ast.parse(source)) if isinstance(node, kinds))
