"""One campaign for all tests of a file that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.house.house import HouseUnderTest, house_up


@pytest.fixture(scope="module")
def house() -> Iterator[HouseUnderTest]:
    """Bring the example campaign up."""
    with house_up() as up:
        yield up
