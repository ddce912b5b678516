"""Baking: a recipe and its source become a tree and the manifest that names it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import Loaded
from handshake.core.manifest import Manifest
from handshake.core.problem import Problem, ProblemsError
from handshake.core.provenance import Material
from handshake.core.release import Kind
from handshake.core.tree import scan_tree
from handshake.image.check import check_recipe
from handshake.image.contents import Larder, bring
from handshake.image.contract import contract_of, print_contract
from handshake.image.credentials import check_secret
from handshake.image.materials import materials_of
from handshake.image.recipe import Recipe
from handshake.image.staging import Staging
from handshake.image.step import BakedStep, Progress, Step, print_step, recipe_steps


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """What a bake works with, beside the recipe."""

    campaign: Path
    """No source lies outside of this folder."""
    larder: Larder


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
    kitchen: Kitchen,
    report: Callable[[Progress], None],
) -> Baked:
    """Put an image's tree together in an empty staging folder, and return its manifest.

    The same source gives the same manifest, wherever it lies and whenever it is baked. Raises ProblemsError
    with all that is wrong with the recipe or its source, before anything slow is begun; UnavailableError
    where packages cannot be had.
    """
    if problems := check_recipe(loaded, folder, kitchen.campaign):
        raise ProblemsError(problems)
    tree = Staging(staging)
    steps = recipe_steps(loaded, folder)
    baked: list[BakedStep] = []
    secrets: list[Problem] = []
    for number, step in enumerate(steps, 1):
        report(Progress(step=number, steps=len(steps), what=print_step(step)))
        baked.append(_take(step, tree, kitchen.larder, loaded.model.public, secrets))
    tree.finish()
    if secrets:
        raise ProblemsError(secrets)
    manifest = Manifest(
        kind=Kind.IMAGE,
        base=loaded.model.base,
        contract=print_contract(contract_of(loaded.model)),
        files=scan_tree(staging),
    )
    materials = materials_of(loaded.model.base, steps, kitchen.larder)
    return Baked(manifest=manifest, steps=tuple(baked), materials=materials)


def _take(
    step: Step, tree: Staging, larder: Larder, public: tuple[str, ...], secrets: list[Problem]
) -> BakedStep:
    """Add what a step brings to the tree, noting what looks like a secret."""
    begun = time.monotonic()
    brought = bring(step, larder)
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
        seconds=round(time.monotonic() - begun, 3),
    )
