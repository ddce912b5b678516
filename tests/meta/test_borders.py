"""Who may import whom: the contracts of pyproject.toml, and what they cannot say."""

import ast
import subprocess
import sys

from handshake.core.hop_header import ARM_PREFIX, HOP_PREFIX, Hop
from tests.meta.sources import SOURCES, modules

_VAGUE = {"utils", "util", "helpers", "helper", "manager", "common", "base", "misc", "lib"}
_OF_CEL = {"celpy.celparser.CELParseError", "celpy.celparser.CELParser", "celpy.evaluation.celstr"}


def test_rooms_import_only_what_their_floor_allows() -> None:
    """Every contract of import-linter holds."""
    linter = "from importlinter.cli import lint_imports_command as lint; lint()"
    run = subprocess.run([sys.executable, "-c", linter], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_core_needs_nothing_but_the_standard_library() -> None:
    """No module of core imports a package that has to be installed."""
    foreign = {
        f"{module.path}: {name}"
        for module in modules()
        if module.room == "core"
        for name in _imported(module.tree)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("handshake.core")
    }
    assert not foreign


def test_nothing_but_the_tests_evaluates_with_cel() -> None:
    """Of cel-python, the package uses the parser and its reading of literals; conditions have one evaluator, our own."""
    used = {
        f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if "celpy" in (getattr(node, "module", None) or alias.name)
    }
    assert used == _OF_CEL


def test_names_of_the_hops_stand_in_one_module() -> None:
    """No other module spells a header in which ingress, cache and gateway speak to one another, in whatever case."""
    prefixes = (HOP_PREFIX.lower(), ARM_PREFIX.lower())
    spelled = {
        module.path.name
        for module in modules()
        if any(prefix in module.path.read_text(encoding="utf-8").lower() for prefix in prefixes)
    }
    assert spelled == {"hop_header.py"}


def test_every_name_of_the_hops_is_spoken() -> None:
    """Every header of the registry is used somewhere in the package."""
    used = {
        node.attr
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Hop"
    }
    assert set(Hop.__members__) == used


def test_every_room_is_a_folder_that_the_design_names() -> None:
    """A folder of the package stands in ARCHITECTURE.md."""
    design = (SOURCES.parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {module.room for module in modules() if module.room}
    assert not {room for room in rooms if f"`{room}`" not in design}


def test_a_file_is_named_after_its_noun() -> None:
    """No module has a name that could hold anything."""
    assert not [module.path for module in modules() if module.path.stem in _VAGUE]


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names
