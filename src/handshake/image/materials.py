"""Materials: what goes into an image besides its source, for its provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from handshake.core.digest import digest_file, parse_digest
from handshake.core.provenance import Material
from handshake.image.contents import Larder
from handshake.image.recipe import HOST_BASE
from handshake.image.step import NodeStep, Step, WheelsStep


def materials_of(base: str, steps: Sequence[Step], larder: Larder) -> tuple[Material, ...]:
    """Return the base, every lock file with its digest, and the interpreters that packages were taken for."""
    return (_base(base), *dict.fromkeys(each for step in steps for each in _of_step(step, larder)))


def _base(base: str) -> Material:
    if base == HOST_BASE:
        return Material(uri=f"handshake:base/{HOST_BASE}")
    return Material(uri="handshake:base", digest=parse_digest(base))


def _of_step(step: Step, larder: Larder) -> Iterator[Material]:
    match step:
        case WheelsStep():
            yield _file(step.requirements)
            yield Material(uri=f"handshake:interpreter/{larder.wheels.target()}")
        case NodeStep():
            yield _file(step.lock)
            yield Material(uri=f"handshake:interpreter/{larder.node.target()}")
        case _:
            return


def _file(path: Path) -> Material:
    return Material(uri=path.name, digest=digest_file(path))
