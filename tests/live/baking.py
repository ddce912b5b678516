"""What tests of real bakes share: a folder that instances may enter, and a sandbox to run an image in."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handshake.core.clock import SystemClock
from handshake.core.digest import Digest
from handshake.drivers.npm.packages import NpmPackages
from handshake.drivers.pip.wheels import PipWheels
from handshake.drivers.process.program import ProgramState
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.sandbox import Limits, Sandbox
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.image.bake import Baked, BuildContext, bake
from handshake.image.contents import PackageSource
from handshake.image.recipe import read_recipe
from handshake.release.image_contract import parse_contract
from handshake.release.manifest import Manifest
from handshake.release.tree import materialise, remove_tree


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a folder that every user may enter, and remove it with all read-only trees in it."""
    folder = Path(tempfile.mkdtemp(prefix="handshake-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        remove_tree(folder)


def bake_service(service: Path, staging: Path, cache: Path) -> Baked:
    """Bake a service whose campaign is the folder around it."""
    packages = PackageSource(cache=cache, wheels=PipWheels(), node=NpmPackages(cache / "npm"))
    context = BuildContext(campaign=service.parent, packages=packages, clock=SystemClock())
    return bake(read_recipe(service), service, staging, context, lambda _: None)


def materialise_from(staging: Path, manifest: Manifest, tree: Path) -> Path:
    """Materialise a baked tree by its digests, as a node does."""
    sources = {file.digest: (staging / file.path, file.is_link) for file in manifest.files}

    def read_blob(digest: Digest) -> bytes:
        path, is_link = sources[digest]
        return os.fsencode(path.readlink()) if is_link else path.read_bytes()

    materialise(manifest.files, read_blob, tree)
    return tree


def run_to_end(
    folder: Path, tree: Path, manifest: Manifest, *, base: Path | None = None
) -> tuple[tuple[str, ...], str]:
    """Run an image's command in the sandbox until it ends; return what it wrote and how it ended."""
    contract = parse_contract(manifest.contract)
    sandboxes = Sandboxes(folder / "instances", confinement=find_confinement())
    sandbox = Sandbox(
        instance="tried-1",
        service="tried",
        command=contract.command,
        tree=tree,
        base=base,
        templates=None,
        environment=contract.environment,
        limits=Limits(memory_megabytes=contract.memory_megabytes),
    )
    sandboxes.launch(sandbox, secrets={})
    deadline = time.monotonic() + 10
    while sandboxes.observe("tried-1").state is ProgramState.RUNNING and time.monotonic() < deadline:
        time.sleep(0.02)
    sandboxes.stop("tried-1", drain_seconds=0)
    return sandboxes.log_tail("tried-1"), sandboxes.observe("tried-1").evidence
