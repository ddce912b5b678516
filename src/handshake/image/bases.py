"""Bases: an interpreter and libraries from Debian packages, cached under a key of all their inputs."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field, TypeAdapter

from handshake.config.reader import Loaded, read_settings
from handshake.config.settings import Settings
from handshake.core.atomic_file import place_folder
from handshake.core.clock import Clock
from handshake.core.digest import canonical_json, digest_bytes, short
from handshake.core.subject import Kind
from handshake.image.bake import Baked
from handshake.image.steps import BakedStep, BuildOrigin, BuildProgress
from handshake.release.manifest import Manifest
from handshake.release.provenance import Material
from handshake.release.tree import remove_tree, scan_tree

BASE_FILE = "base.toml"
BASE_CONTRACT: dict[str, object] = {"role": "base"}
NEEDED = ("util-linux",)
"""The sandbox limits an instance with programs from this package, taken from the base."""
_LEFT_OUT = (
    "usr/share/bug",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
)
_AUTHORITIES = "usr/share/ca-certificates/mozilla"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"

Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]


class BaseRecipe(Settings):
    """The contents of a base: `base.toml`, in a folder of its own."""

    suite: str = Field(
        default="bookworm", pattern=r"^[a-z][a-z-]*$", description="The Debian release, by code name."
    )
    packages: tuple[Package, ...] = Field(
        min_length=1, description="Debian packages; their dependencies are included."
    )


class Debian(Protocol):
    """Unpacks Debian packages without installing them: their scripts are not run."""

    def index(self) -> str:
        """Return the digest of what Debian offers, as this machine saw it last; empty if it never looked."""
        ...

    def unpack(self, suite: str, packages: tuple[str, ...], folder: Path) -> tuple[Material, ...]:
        """Put packages and what they depend on into an empty folder, /bin and its like merged into /usr.

        Returns each package with its digest. UnavailableError, with the program's own words, where that fails.
        """
        ...


def read_base(folder: Path) -> Loaded[BaseRecipe]:
    """Return a base's recipe; raise ProblemsError with every problem of the file."""
    return read_settings(BaseRecipe, folder / BASE_FILE)


def is_base(manifest: Manifest) -> bool:
    """Return whether an image is a base: something to run on, nothing that runs."""
    return manifest.contract == BASE_CONTRACT


def bake_base(
    recipe: BaseRecipe,
    staging: Path,
    debian: Debian,
    cache: Path,
    report: Callable[[BuildProgress], None],
    *,
    clock: Clock,
) -> Baked:
    """Put a base's tree together in an empty staging folder, and return its manifest.

    The same packages give the same manifest: only files of packages are in it, and what is made of them. While
    Debian offers nothing else, the same recipe's tree is taken from the cache.
    """
    begun = clock.monotonic()
    its = BaseInput(suite=recipe.suite, packages=(*recipe.packages, *NEEDED), index=debian.index())
    what = f"debian {', '.join(recipe.packages)}"
    report(BuildProgress(step=1, steps=1, what=what))

    def make(folder: Path) -> tuple[Material, ...]:
        materials = debian.unpack(its.suite, its.packages, folder)
        _leave_out(folder)
        _bundle_authorities(folder)
        return tuple(sorted(materials, key=lambda each: each.uri))

    base = lay_out_base(its, staging, cache, make)
    manifest = Manifest(kind=Kind.IMAGE, contract=BASE_CONTRACT, files=scan_tree(staging, may_link=True))
    step = BakedStep(
        what=what,
        to="",
        origin=BuildOrigin.CACHED if base.was_kept else BuildOrigin.UNPACKED,
        files=len(manifest.files),
        bytes=sum(file.size for file in manifest.files),
        seconds=round(clock.monotonic() - begun, 3),
    )
    return Baked(manifest=manifest, steps=(step,), materials=base.materials)


def _leave_out(tree: Path) -> None:
    """Keep /usr without what people read, and of /etc what TLS needs: nothing else of it is seen inside."""
    for folder in (
        *(tree / name for name in _LEFT_OUT),
        *_beside(tree, "usr", "etc"),
        *_beside(tree / "etc", "ssl"),
    ):
        if folder.is_dir() and not folder.is_symlink():
            remove_tree(folder)
        else:
            folder.unlink(missing_ok=True)


def _beside(folder: Path, *kept: str) -> Iterator[Path]:
    return (path for path in list(folder.iterdir()) if path.name not in kept)


def _bundle_authorities(tree: Path) -> None:
    """Write the one file that TLS clients read, as the script of ca-certificates would, if that package is in."""
    certificates = sorted((tree / _AUTHORITIES).glob("*.crt"))
    if certificates:
        bundle = tree / _BUNDLE
        bundle.parent.mkdir(parents=True, exist_ok=True)
        bundle.write_bytes(b"".join(each.read_bytes() for each in certificates))
        bundle.chmod(0o644)


# Bases that were put together before, kept by all that decides what they hold.

_FORMAT = 1
"""Incremented when the same inputs should give another tree, so that cached trees are not used."""
_TREE, _MATERIALS = "tree", "materials.json"
_ADAPTER = TypeAdapter(tuple[Material, ...])

Make = Callable[[Path], tuple[Material, ...]]
"""Assembles a base's tree in an empty folder, and returns its inputs."""


@dataclass(frozen=True, kw_only=True)
class BaseInput:
    """Everything that determines a base's content."""

    suite: str
    packages: tuple[str, ...]
    index: str
    """Debian's package index when last read; empty if unknown: then nothing is cached."""

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
    """A base's tree in the requested folder."""

    materials: tuple[Material, ...]
    was_kept: bool
    """Whether an earlier bake had assembled it."""


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
