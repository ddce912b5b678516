"""The package's modules, parsed, and the repository's files: what the meta tests look at."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "src" / "handshake"


@dataclass(frozen=True, kw_only=True)
class Module:
    """One parsed module of the package."""

    path: Path
    room: str
    """The folder of the package that it stands in; empty for the modules beside the folders."""
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the package."""
    return tuple(_parse(path) for path in sorted(SOURCES.rglob("*.py")))


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return every file that the repository tracks, relative to it."""
    command = ["git", "-C", str(REPOSITORY), "ls-files", "-z"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(
        path for name in listing.split("\0") if name and (REPOSITORY / (path := Path(name))).is_file()
    )


def _parse(path: Path) -> Module:
    parts = path.relative_to(SOURCES).parts
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return Module(path=path, room=parts[0] if len(parts) > 1 else "", tree=tree)
