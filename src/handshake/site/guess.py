"""What a folder says of how its site is built, and which of its folders could be assets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handshake.site.paths import has_hash

_OUTPUTS = ("dist", "build", "out", "public", "_site")
_LOCKS = {
    "package-lock.json": ("npm", "ci"),
    "pnpm-lock.yaml": ("npx", "--yes", "pnpm", "install", "--frozen-lockfile"),
    "yarn.lock": ("npx", "--yes", "yarn", "install", "--frozen-lockfile"),
}
"""Whose file lies beside package.json installs what is in it."""
_UNLOCKED = ("npm", "install")
_FEWEST = 2
"""So many files a folder must hold before it is proposed: one name may look hashed by chance."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """How a site seems to be built."""

    build: tuple[str, ...]
    """Empty where nothing builds it."""
    output: str
    assets: tuple[str, ...]
    install: tuple[str, ...] = ()
    """The command that fetches what it is built with; empty where nothing does."""


def guess_site(paths: Iterable[str], package: str) -> Guess:
    """Return a guess from the paths in a folder and the text of its package.json, empty where it has none."""
    known = tuple(paths)
    scripts = _scripts(package)
    build = ("npm", "run", "build") if "build" in scripts else ()
    output = next((name for name in _OUTPUTS if any(path.startswith(f"{name}/") for path in known)), "")
    output = output or ("dist" if build else "public")
    install = next((its for lock, its in _LOCKS.items() if lock in known), _UNLOCKED) if package else ()
    built = (path.removeprefix(f"{output}/") for path in known if path.startswith(f"{output}/"))
    return Guess(build=build, output=output, assets=propose_assets(built), install=install)


def propose_assets(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the outermost folders of a built site in which every file's name carries a hash."""
    hashed: dict[str, list[bool]] = defaultdict(list)
    for path in paths:
        *folders, name = path.split("/")
        for depth in range(1, len(folders) + 1):
            hashed["/".join(folders[:depth]) + "/"].append(has_hash(name))
    found = [folder for folder, names in hashed.items() if len(names) >= _FEWEST and all(names)]
    return tuple(
        sorted(each for each in found if not any(each != outer and each.startswith(outer) for outer in found))
    )


def _scripts(package: str) -> Mapping[str, object]:
    try:
        scripts = json.loads(package).get("scripts", {})
    except (ValueError, AttributeError):
        return {}
    return scripts if isinstance(scripts, dict) else {}
