"""What all tests share: one campaign for a file whose tests leave it as they found it, and long forms on demand."""

from collections.abc import Iterator

import pytest

from tests.system.campaign_up import CampaignUnderTest, system_up


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--long` bring in what takes longer than an ordinary run may."""
    parser.addoption("--long", action="store_true", help="run the long forms of tests as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long forms out of an ordinary run."""
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="module")
def system() -> Iterator[CampaignUnderTest]:
    """Bring the example campaign up."""
    with system_up() as up:
        yield up
