"""A campaign in memory for each drill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from handshake.drivers.directory.store import make_region
from tests.support.world import SimulatedWorld

REGIONS = ("east", "west")
Build = Callable[..., SimulatedWorld]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return what builds a world over two regions on this disk; regions go away with their folders."""

    def build_world(**wishes: object) -> SimulatedWorld:
        stores = [make_region(tmp_path / region, region) for region in REGIONS]
        return SimulatedWorld(tmp_path / "work", stores, **wishes)  # type: ignore[arg-type]  # a test names the SimulatedWorld's own words

    return build_world


@pytest.fixture
def world(build: Build) -> SimulatedWorld:
    """Return a world that has settled on its first releases."""
    world = build()
    world.settle()
    return world
