"""What every test owes its reader."""

import ast
from collections.abc import Iterator

from tests.meta.sources import REPOSITORY, tracked_files


def test_every_test_says_what_it_shows() -> None:
    """A test's docstring is a sentence: it begins with a capital and ends with a full stop."""
    silent = [f"{where}: {name}" for where, name, told in _tests() if not _is_sentence(told)]
    assert not silent, "\n".join(silent)


def _tests() -> Iterator[tuple[str, str, str]]:
    for path in tracked_files():
        if path.parts[0] == "tests" and path.name.startswith("test_") and path.suffix == ".py":
            tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    yield f"{path}:{node.lineno}", node.name, ast.get_docstring(node) or ""


def _is_sentence(text: str) -> bool:
    first = text.strip()[:1]
    return text.strip().endswith((".", "?", '."')) and not first.islower()
