"""Bases that were put together before, kept by all that decides what they hold."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from handshake.core.atomic_file import place_folder
from handshake.core.digest import canonical_json, digest_bytes, short
from handshake.core.provenance import Material
from handshake.core.tree import remove_tree

_FORMAT = 1
"""Grows when the same inputs shall give another tree, so that no old one is taken from a cache."""
_TREE, _MATERIALS = "tree", "materials.json"
_ADAPTER = TypeAdapter(tuple[Material, ...])

Make = Callable[[Path], tuple[Material, ...]]
"""Puts a base's tree together in an empty folder, and returns what it is made of."""


@dataclass(frozen=True, kw_only=True)
class BaseInput:
    """All that decides what a base holds."""

    suite: str
    packages: tuple[str, ...]
    index: str
    """What Debian offered when it was looked at last; empty where nobody knows: then nothing is kept."""

    @property
    def key(self) -> str:
        """The name under which such a base is kept."""
        inputs = {
            "format": _FORMAT,
            "suite": self.suite,
            "packages": list(self.packages),
            "index": self.index,
        }
        return short(digest_bytes(canonical_json(inputs)))


@dataclass(frozen=True, kw_only=True)
class BaseTree:
    """A base's tree that lies where it was asked for."""

    materials: tuple[Material, ...]
    was_kept: bool
    """Whether an earlier bake had put it together."""


def lay_out_base(its: BaseInput, staging: Path, cache: Path, make: Make) -> BaseTree:
    """Put a base's tree into an empty folder; it is made once for the same input."""
    if not its.index:
        return BaseTree(materials=make(staging), was_kept=False)
    kept = cache / "debian" / its.key
    was_kept = kept.exists()
    if not was_kept:
        _make(kept, make)
    # A copy, for whoever bakes may do with it what they like.
    shutil.copytree(kept / _TREE, staging, symlinks=True, dirs_exist_ok=True)
    materials = _ADAPTER.validate_json((kept / _MATERIALS).read_bytes())
    return BaseTree(materials=materials, was_kept=was_kept)


def _make(kept: Path, make: Make) -> None:
    """Make a tree beside the place where it is kept, and put it there whole or not at all."""
    partial = kept.with_name(f".{kept.name}.{secrets.token_hex(6)}")
    (partial / _TREE).mkdir(parents=True)
    try:
        (partial / _MATERIALS).write_bytes(_ADAPTER.dump_json(make(partial / _TREE)))
        place_folder(partial, kept)
    finally:
        remove_tree(partial)
