"""One catalogue for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.embedded_catalog.turns import Turns


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[Turns]:
    """An empty catalogue."""
    turns = Turns(tmp_path / "data")
    yield turns
    turns.close()
