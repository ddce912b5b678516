"""Baking: a recipe and its source become a tree and the manifest that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import Loaded
from handshake.core.manifest import Manifest, ManifestFile
from handshake.core.problem import ProblemsError
from handshake.core.release import Kind
from handshake.core.tree import scan_tree
from handshake.image.check import check_recipe
from handshake.image.contract import contract_of, print_contract
from handshake.image.platform import PACKAGE, room_files
from handshake.image.recipe import Recipe
from handshake.image.staging import Staging
from handshake.image.step import CopyStep, PlatformStep, Progress, Step, WheelsStep, print_step, recipe_steps
from handshake.image.wheels import Wheels, cached_wheels, is_noise


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """What a bake works with, beside the recipe."""

    campaign: Path
    """No source lies outside of this folder."""
    cache: Path
    """Keeps what is slow to make; it may be deleted at any time."""
    wheels: Wheels


def bake(
    loaded: Loaded[Recipe],
    folder: Path,
    staging: Path,
    kitchen: Kitchen,
    report: Callable[[Progress], None],
) -> Manifest:
    """Put an image's tree together in an empty staging folder, and return its manifest.

    The same source gives the same manifest, wherever it lies and whenever it is baked. Raises ProblemsError
    with all that is wrong with the recipe or its source, before anything slow is begun; UnavailableError
    where wheels cannot be had.
    """
    if problems := check_recipe(loaded, folder, kitchen.campaign):
        raise ProblemsError(problems)
    tree = Staging(staging)
    steps = recipe_steps(loaded, folder)
    for number, step in enumerate(steps, 1):
        report(Progress(step=number, steps=len(steps), what=print_step(step)))
        for path, source, mode in _step_files(step, kitchen):
            tree.add(f"{step.to}/{path}".strip("/"), source, mode, step.where)
    tree.finish()
    return Manifest(
        kind=Kind.IMAGE,
        base=loaded.model.base,
        contract=print_contract(contract_of(loaded.model)),
        files=scan_tree(staging),
    )


def _step_files(step: Step, kitchen: Kitchen) -> Iterator[tuple[str, Path, int]]:
    """Yield what a step brings: path below its target, source, mode."""
    match step:
        case CopyStep() if step.source.is_file():
            yield "" if step.to else step.source.name, step.source, _mode(step.source)
        case CopyStep():
            for file in _copied(step.source):
                yield file.path, step.source / file.path, file.mode
        case WheelsStep():
            unpacked = cached_wheels(step.requirements, kitchen.cache, kitchen.wheels)
            for file in scan_tree(unpacked):
                if not is_noise(file.path):
                    yield file.path, unpacked / file.path, file.mode
        case PlatformStep():
            for path in room_files(step.rooms):
                yield f"{PACKAGE.name}/{path}", PACKAGE / path, 0o644


def _copied(source: Path) -> Iterator[ManifestFile]:
    """Yield a source folder's files, without the byte code that running it from there has left behind."""
    return (file for file in scan_tree(source) if "__pycache__" not in file.path.split("/"))


def _mode(file: Path) -> int:
    return 0o755 if file.stat().st_mode & 0o100 else 0o644
