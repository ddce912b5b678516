"""Baking: turns a recipe and its source into a file tree and its manifest."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from handshake.config.reader import Loaded
from handshake.core.clock import Clock
from handshake.core.digest import digest_file, parse_digest
from handshake.core.errors import RefusedError
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.subject import Kind
from handshake.image.check import check_recipe
from handshake.image.contents import PackageSource, bring
from handshake.image.recipe import HOST_BASE, Recipe, contract_of
from handshake.image.steps import (
    BakedStep,
    BuildProgress,
    NodeStep,
    Step,
    WheelsStep,
    print_step,
    recipe_steps,
)
from handshake.release.image_contract import print_contract
from handshake.release.manifest import Manifest
from handshake.release.provenance import Material
from handshake.release.tree import scan_tree

# A staging folder: the tree of an image while it is being put together.


class Staging:
    """Adds files, each path once, with the two modes of a manifest."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise RefusedError(f"the staging folder {folder} is not empty", hint="Bake into an empty folder.")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._brought_by: dict[PurePosixPath, Location] = {}
        self._problems: list[Problem] = []

    def add(self, path: str, source: Path, mode: int, where: Location) -> None:
        """Copy a file to a path of the tree; `where` is the step that brings it."""
        place = PurePosixPath(path)
        if self._is_taken(place, where):
            return
        self._brought_by[place] = where
        target = self._folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)

    def finish(self) -> None:
        """Raise ProblemsError with every path that two steps brought."""
        if self._problems:
            raise ProblemsError(self._problems)

    def _is_taken(self, place: PurePosixPath, where: Location) -> bool:
        for taken in (place, *place.parents):
            if taken in self._brought_by:
                self._problems.append(_duplicate(taken, self._brought_by[taken], where))
                return True
        if (self._folder / place).is_dir():
            self._problems.append(_duplicate(place, self._below(place), where))
            return True
        return False

    def _below(self, place: PurePosixPath) -> Location:
        return next(where for path, where in self._brought_by.items() if place in path.parents)


def _duplicate(path: PurePosixPath, first: Location, second: Location) -> Problem:
    return Problem(
        check="duplicate-path",
        what=f"this step adds {path}, which the step at {first} has already added",
        where=second,
        hint="Change the target of one of the two.",
    )


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """The inputs of a bake, besides the recipe."""

    campaign: Path
    """No source is outside this folder."""
    packages: PackageSource
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Baked:
    """An image that was baked, and how."""

    manifest: Manifest
    steps: tuple[BakedStep, ...]
    materials: tuple[Material, ...]


def bake(
    loaded: Loaded[Recipe],
    folder: Path,
    staging: Path,
    context: BuildContext,
    report: Callable[[BuildProgress], None],
) -> Baked:
    """Put an image's tree together in an empty staging folder, and return its manifest.

    The same source gives the same manifest, wherever it lies and whenever it is baked. Raises ProblemsError
    with all that is wrong with the recipe or its source, before anything slow is begun; UnavailableError
    where packages cannot be had.
    """
    if problems := check_recipe(loaded, folder, context.campaign):
        raise ProblemsError(problems)
    tree = Staging(staging)
    steps = recipe_steps(loaded, folder)
    baked: list[BakedStep] = []
    secrets: list[Problem] = []
    for number, step in enumerate(steps, 1):
        report(BuildProgress(step=number, steps=len(steps), what=print_step(step)))
        baked.append(_take(step, tree, context, loaded.model.public, secrets))
    tree.finish()
    if secrets:
        raise ProblemsError(secrets)
    manifest = Manifest(
        kind=Kind.IMAGE,
        base=loaded.model.base,
        contract=print_contract(contract_of(loaded.model)),
        files=scan_tree(staging),
    )
    materials = materials_of(loaded.model.base, steps, context.packages)
    return Baked(manifest=manifest, steps=tuple(baked), materials=materials)


def _take(
    step: Step, tree: Staging, context: BuildContext, public: tuple[str, ...], secrets: list[Problem]
) -> BakedStep:
    """Add what a step brings to the tree, noting what looks like a secret."""
    begun = context.clock.monotonic()
    brought = bring(step, context.packages)
    for content in brought.contents:
        path = f"{step.to}/{content.path}".strip("/")
        secrets += check_secret(path, content.source, public, step.where)
        tree.add(path, content.source, content.mode, step.where)
    return BakedStep(
        what=print_step(step),
        to=step.to,
        origin=brought.origin,
        files=len(brought.contents),
        bytes=sum(content.source.stat().st_size for content in brought.contents),
        seconds=round(context.clock.monotonic() - begun, 3),
    )


# Materials: what goes into an image besides its source, for its provenance.


def materials_of(base: str, steps: Sequence[Step], packages: PackageSource) -> tuple[Material, ...]:
    """Return the base, every lock file with its digest, and the interpreters that packages were taken for."""
    return (_base(base), *dict.fromkeys(each for step in steps for each in _of_step(step, packages)))


def _base(base: str) -> Material:
    if base == HOST_BASE:
        return Material(uri=f"handshake:base/{HOST_BASE}")
    return Material(uri="handshake:base", digest=parse_digest(base))


def _of_step(step: Step, packages: PackageSource) -> Iterator[Material]:
    match step:
        case WheelsStep():
            yield _file(step.requirements)
            yield Material(uri=f"handshake:interpreter/{packages.wheels.target()}")
        case NodeStep():
            yield _file(step.lock)
            yield Material(uri=f"handshake:interpreter/{packages.node.target()}")
        case _:
            return


def _file(path: Path) -> Material:
    return Material(uri=path.name, digest=digest_file(path))


# Credentials that were about to get into an image: an image is read by many, for ever.

_NAMES = {
    ".env",
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
}
_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s+(?:[A-Za-z-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{32,}"
)
"""With the start of its content: programs that read keys check only the first line."""
_MARKS = (
    ("a private key", b"PRIVATE KEY", _KEY),
    ("an AWS access key", b"AKIA", re.compile(rb"\bAKIA[0-9A-Z]{16}\b")),
    ("a GitHub credential", b"ghp_", re.compile(rb"\bghp_[A-Za-z0-9]{36}\b")),
    ("a GitHub credential", b"github_pat_", re.compile(rb"\bgithub_pat_[A-Za-z0-9_]{60,}")),
    ("a Slack credential", b"xox", re.compile(rb"\bxox[abprs]-[0-9A-Za-z-]{20,}")),
    ("an npm credential", b"npm_", re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a Stripe key", b"k_live_", re.compile(rb"\b[rs]k_live_[0-9A-Za-z]{20,}")),
)
"""What it is, a fixed part of every one (ten times faster than the pattern), and the pattern."""


def check_secret(path: str, source: Path, public: Iterable[str], where: Location) -> list[Problem]:
    """Return a problem where a file looks like a credential and nobody said that it is public."""
    looks_like = _looks_like(path, source)
    if not looks_like or path in public:
        return []
    return [
        Problem(
            check="image-secret-inside",
            what=f"{path} looks like {looks_like}",
            where=where,
            hint="Remove it: a store's secret reaches an instance as /run/secrets/<store>; "
            f'If it is public, declare it: public = ["{path}"]',
        )
    ]


def _looks_like(path: str, source: Path) -> str:
    name = PurePosixPath(path).name
    if name in _NAMES:
        return f"credentials, because of its name {name}"
    content = source.read_bytes()
    return next((what for what, part, mark in _MARKS if part in content and mark.search(content)), "")
