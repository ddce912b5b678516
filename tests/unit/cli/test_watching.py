"""A fleet on the screen: stage, progress, the sentence, and a tile for each instance."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from handshake.campaign.status import FleetRow, InstanceRow
from handshake.cli.arriving import draw_fleet, watching
from handshake.core.errors import UnavailableError
from handshake.fleet.instance import Evidence, VerdictState

FRESH = InstanceRow(
    instance="hamm-aaaaaaaa",
    node="n1",
    generation="4f1e07a2b3c4",
    phase="run",
    purpose="steady",
    address="127.0.0.1:20000",
    alive=VerdictState.YES,
    ready=VerdictState.YES,
    fresh=VerdictState.YES,
    last_probe=Evidence(),
    log_tail=(),
)
STALE = replace(FRESH, instance="hamm-bbbbbbbb", generation="93ab2c11d2e3", fresh=VerdictState.NO)
WARM = replace(STALE, instance="hamm-cccccccc", phase="warm")
FLEET = FleetRow(
    service="hamm",
    stage="replacing",
    sentence="hamm-aaaaaaaa soaks until 10:00:05Z",
    instances=(FRESH, STALE, WARM),
    since=36_000.0,
)


def draw(fleet: FleetRow) -> str:
    """Return what a terminal shows."""
    console = Console(width=120, record=True, quiet=False, file=None)
    with console.capture() as captured:
        console.print(draw_fleet(fleet))
    return captured.get()


def test_a_fleet_tells_its_stage_its_progress_and_why_it_waits() -> None:
    """The first line says where the rollout stands and since when, the second what it waits for."""
    first, second, *_ = draw(FLEET).splitlines()
    assert first.split("  ") == ["hamm", "replacing since 10:00:00Z", "1 of 2 fresh"]
    assert second == "hamm-aaaaaaaa soaks until 10:00:05Z"


def test_every_instance_has_a_tile() -> None:
    """A tile names its instance, what it runs, how it is, and what it does if it does not serve."""
    shown = draw(FLEET)
    assert all(each.instance in shown and each.generation in shown for each in FLEET.instances)
    assert (shown.count("✓ fresh"), shown.count("✗ fresh"), shown.count("warm")) == (1, 2, 1)


def test_a_pipe_sees_nothing_and_asks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody watches, the fleet is not even read."""

    def read() -> tuple[FleetRow, ...]:
        raise UnavailableError("must not be asked")

    with watching(read):
        pass
    assert capsys.readouterr().err == ""
