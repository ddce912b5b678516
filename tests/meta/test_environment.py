"""What an instance is told stands in one place."""

import ast
from collections.abc import Iterator

from tests.meta.sources import REPOSITORY, SOURCES

_TOLD = {"HANDSHAKE_SERVICE", "HANDSHAKE_INSTANCE", "HANDSHAKE_IMAGE", "HANDSHAKE_TEMPLATES_RELEASE"}


def test_one_module_builds_the_environment_of_instances() -> None:
    """Nobody but fleet/instances/launch.py, and no test with real processes, names an instance's variables to set them."""
    files = [*SOURCES.rglob("*.py")]
    files += [
        file for room in ("live", "system", "drills") for file in (REPOSITORY / "tests" / room).rglob("*.py")
    ]
    builders = {
        str(file.relative_to(REPOSITORY))
        for file in files
        if _TOLD & set(_names_set(ast.parse(file.read_text())))
    }
    assert builders == {"src/handshake/fleet/instances/launch.py"}


def _names_set(tree: ast.AST) -> Iterator[object]:
    """Yield the constants that are keys of a dict, or of what is assigned to."""
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys):
                yield from (key.value for key in keys if isinstance(key, ast.Constant))
            case ast.Subscript(slice=ast.Constant(value=name), ctx=ast.Store()):
                yield name
