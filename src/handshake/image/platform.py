"""The platform's own package, as a source of files for images."""

from __future__ import annotations

from pathlib import Path

import handshake
from handshake.core.tree import path_fault

PACKAGE = Path(handshake.__file__).resolve().parent


def known_rooms() -> tuple[str, ...]:
    """Return the names of everything that a recipe may ask for at the package's first level."""
    return tuple(sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py")))


def is_room(name: str) -> bool:
    """Tell whether the package holds a room (`core`, `drivers/redis`) or a module (`secretary.py`) of this name."""
    if path_fault(name):
        return False
    path = PACKAGE / name
    return (path / "__init__.py").is_file() or (path.suffix == ".py" and path.is_file())


def room_files(rooms: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules of these rooms, with the `__init__.py` of every package around them; sorted."""
    files = {file for room in rooms for file in _modules(PACKAGE / room)}
    around = {
        parent / "__init__.py" for file in files for parent in file.parents if parent.is_relative_to(PACKAGE)
    }
    return tuple(sorted(file.relative_to(PACKAGE).as_posix() for file in files | around))


def _modules(room: Path) -> list[Path]:
    return [room] if room.is_file() else sorted(room.rglob("*.py"))
