"""Drill 15 with real processes: the leader of a running campaign is stopped (SIGSTOP) right before it writes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.house.catalog_gate import Gate, gate_before
from tests.house.house import HouseUnderTest
from tests.house.processes import kill_for_good, wait_until
from tests.house.test_operating import FORCE, change, fleet, publish
from tests.house.visitors import visiting

pytestmark = pytest.mark.live

TAKE_OVER_SECONDS = 40
"""The lock's session lives for 10 s, and the catalogue keeps a lost lock for a while."""


def test_a_leader_that_stood_still_writes_nothing_late(house: HouseUnderTest, tmp_path: Path) -> None:
    """Stopped before its write, a leader is succeeded by another; its write, when it comes, is refused, and nothing is lost."""
    kill_for_good(house.run / "programs" / "control")
    release = publish(house, "image/events", change(house, "events"))
    with gate_before(house.description["catalog"]) as gate, another_control(house, gate, tmp_path) as first:
        wait_until(lambda: leader(house).endswith(f"pid {first.pid}"), TAKE_OVER_SECONDS)
        assert house.verb("up", str(house.campaign))["started"] == ["control"]
        gate.close()
        with visiting(house, "/api/events/events") as visits:
            house.handshake("promote", "image/events", release, *FORCE, "--wait", "0", check=False)
            assert gate.has_write.wait(20)
            first.send_signal(signal.SIGSTOP)

            wait_until(lambda: leader(house).endswith(f"pid {house.pid_of('control')}"), TAKE_OVER_SECONDS)
            wait_until(lambda: has_arrived(house, release), 60)
            before, journal = fleet(house, "events"), house.verb("history", "image/events")

            gate.open()
            wait_until(lambda: bool(gate.answers))
            first.send_signal(signal.SIGCONT)
            wait_until(lambda: "lead" in (tmp_path / "log").read_text().rpartition("leader: ")[2], 20)

    assert gate.answers[0].split()[1] == b"409"
    assert leader(house).endswith(f"pid {house.pid_of('control')}")
    assert names(fleet(house, "events")) == names(before)
    assert house.verb("history", "image/events") == journal
    assert has_arrived(house, release)
    assert visits.failed == []


@contextmanager
def another_control(house: HouseUnderTest, gate: Gate, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one more control process of the campaign, which reaches the catalogue through a gate."""
    description = {**house.description, "catalog": gate.address, "dashboard": "127.0.0.1:0"}
    (folder / "house.json").write_text(json.dumps(description))
    command = [sys.executable, "-m", "handshake.cli.main", "control", "--house", str(folder / "house.json")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(20)


def leader(house: HouseUnderTest) -> str:
    """Return who leads."""
    name: str = house.verb("status")["leader"]
    return name


def has_arrived(house: HouseUnderTest, release: str) -> bool:
    """Whether the release is what all instances of events run, and all is settled."""
    status = house.verb("status")
    (row,) = (row for row in status["subjects"] if row["subject"] == "image/events")
    return bool(status["is_settled"]) and row["release"] == release and row["is_stable"]


def names(fleet: dict[str, Any]) -> list[str]:
    """Return a fleet's instances."""
    return sorted(instance["instance"] for instance in fleet["instances"])
