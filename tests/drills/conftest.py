"""A campaign in memory for each drill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from handshake.drivers.directory.store import make_region
from tests.support.world import World

REGIONS = ("east", "west")
Build = Callable[..., World]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return what builds a world over two regions on this disk; regions go away with their folders."""

    def build_world(**wishes: object) -> World:
        stores = [make_region(tmp_path / region, region) for region in REGIONS]
        return World(tmp_path / "work", stores, **wishes)  # type: ignore[arg-type]  # a test names the World's own words

    return build_world


@pytest.fixture
def world(build: Build) -> World:
    """Return a world that has settled on its first releases."""
    world = build()
    world.settle()
    return world
