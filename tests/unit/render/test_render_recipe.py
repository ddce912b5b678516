"""The Secretary's recipe: an image of it carries what it imports, and little else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from handshake.image.contents import PACKAGE, room_files

SERVICE = Path(__file__).parents[3] / "examples/campaign/services/secretary"
MODULES = "import sys, handshake.renderer.__main__; print(*sys.modules, sep='\\n')"
FILES = """\
import sys, handshake.renderer.__main__
print(*(getattr(module, "__file__", "") for module in sys.modules.values()), sep="\\n")"""


def imported_modules() -> set[str]:
    """Return every module that the Secretary imports at its start."""
    return run_python(MODULES)


def imported_files() -> set[str]:
    """Return the files that those modules were read from."""
    return run_python(FILES)


def run_python(program: str) -> set[str]:
    """Run a program in an interpreter of its own, and return the lines it prints."""
    listing = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(listing.stdout.splitlines())


def test_the_recipe_names_every_room() -> None:
    """Every module of the platform that the Secretary imports lies in a room that its recipe copies."""
    recipe = tomllib.loads((SERVICE / "service.toml").read_text(encoding="utf-8"))
    rooms = tuple(room for step in recipe["build"] for room in step.get("platform", []))
    copied = {PACKAGE / file for file in room_files(rooms)}
    files = {Path(file) for file in imported_files() if file.startswith(f"{PACKAGE}/")}
    assert files
    assert files <= copied


def test_the_requirements_name_every_package() -> None:
    """Every package that the Secretary imports is pinned, in the versions of the platform itself."""
    lines = (SERVICE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if not line.startswith("#")}
    homes = packages_distributions()
    packages = {name.partition(".")[0] for name in imported_modules()}
    needed = {home.lower().replace("_", "-") for package in packages for home in homes.get(package, [])}
    # What Python's own installation brings, and the environment's editable installs, are no packages;
    # redis takes cryptography where it is there, and works without.
    assert needed - pinned - {"handshake", "setuptools", "cryptography"} == set()
    platform = (SERVICE.parents[3] / "requirements/demo.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if "==" in line and not line.startswith("async-timeout")} <= set(platform)
