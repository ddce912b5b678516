"""Who leads a campaign, and one more process that would."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.system.campaign_up import CampaignUnderTest
from tests.system.catalog_gate import Gate

TAKE_OVER_SECONDS = 40
"""The lock's session lives for 10 s, and the catalogue keeps a lost lock for a while."""


@contextmanager
def another_control(system: CampaignUnderTest, gate: Gate, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one more control process of the campaign, which reaches the catalogue through a gate."""
    description = {**system.description, "catalog": gate.address, "dashboard": "127.0.0.1:0"}
    (folder / "node.json").write_text(json.dumps(description))
    command = [
        sys.executable,
        "-m",
        "handshake.cli.main",
        "control",
        "--node-file",
        str(folder / "node.json"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(20)


def leader(system: CampaignUnderTest) -> str:
    """Return who leads."""
    name: str = system.verb("status")["leader"]
    return name


def has_arrived(system: CampaignUnderTest, release: str) -> bool:
    """Whether the release is what all instances of events run, and all is settled."""
    status = system.verb("status")
    (row,) = (row for row in status["subjects"] if row["subject"] == "image/events")
    return bool(status["is_settled"]) and row["release"] == release and row["is_stable"]


def names(fleet: dict[str, Any]) -> list[str]:
    """Return a fleet's instances."""
    return sorted(instance["instance"] for instance in fleet["instances"])
