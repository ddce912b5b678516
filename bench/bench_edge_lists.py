"""a list of a million entries: import, ingress memory, bans and switches on top, whole commands, restart."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.campaign import CampaignUnderTest, copy_campaign, share_cache

from frame import Measure, doing, report, spread
from memory import memory_by_part
from moments import measure_ban, measure_command, measure_switch, trust_the_bench, wait_for_ingress

_ENTRIES = 1_000_000
_CHANGES = 100
_COMMANDS = 10


def main() -> None:
    """Bring a campaign up, give its wall a million entries, measure, take it down."""
    root = Path(tempfile.mkdtemp(prefix="handshake-bench-"))
    system = copy_campaign(root)
    trust_the_bench(system)
    share_cache(system)
    try:
        system.handshake("up", str(system.campaign))
        report("a list of a million entries", tuple(_measure(system)))
    finally:
        if system.run.exists():
            system.handshake("down", "--purge", "--yes")
        shutil.rmtree(root, ignore_errors=True)


def _measure(system: CampaignUnderTest) -> Iterator[Measure]:
    empty = memory_by_part(system.run)
    with doing("bans and switches, the list empty"):
        yield from spread("ban, empty list: accepted -> refused", measure_ban(system, _CHANGES))
        yield from spread("ban, empty list: whole command", measure_command(system, _COMMANDS))
    with doing(f"import of {_ENTRIES:,} entries"):
        yield from _measure_import(system)
    full = memory_by_part(system.run)
    for part in ("ingress", "agent"):
        yield Measure(name=f"memory of the {part}, list full", value=full[part], unit="MiB", note="PSS")
        note = f"{(full[part] - empty[part]) * 1_048_576 / _ENTRIES:.0f} bytes an entry"
        yield Measure(name=f"memory of the {part}, list empty", value=empty[part], unit="MiB", note=note)
    with doing(f"{_CHANGES} bans and turns of a switch"):
        yield from spread("ban, full list: accepted -> refused", measure_ban(system, _CHANGES))
        yield from spread("switch, full list: accepted -> answers", measure_switch(system, _CHANGES))
        yield from spread("ban, full list: whole command", measure_command(system, _COMMANDS))
    with doing("the ingress dies"):
        yield from _measure_restart(system)


def _measure_import(system: CampaignUnderTest) -> Iterator[Measure]:
    file = system.root / "million.txt"
    with file.open("w") as target:
        for number in range(_ENTRIES):
            address = (
                0x14000000 + number * 977
            )  # spread over 20.0.0.0 and what follows, none of it on loopback
            target.write(".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0)) + "\n")
    begun = time.monotonic()
    done = system.verb("edge", "list", "import", str(file), "--for-good", "--reason", "bench", seconds=600)
    whole = time.monotonic() - begun
    yield Measure(name="import: whole command", value=round(whole, 2), unit="s", note=f"{_ENTRIES:,} entries")
    yield Measure(name="import: accepted -> acknowledged", value=done["seconds"], unit="s")


def _measure_restart(system: CampaignUnderTest) -> Iterator[Measure]:
    """Kill the ingress's master and its worker; the supervisor starts it at once, with the files that are there."""
    begun = time.monotonic()
    os.kill(system.pid_of("ingress"), signal.SIGKILL)
    wait_for_ingress(system)
    yield Measure(
        name="ingress killed -> answers again",
        value=round(time.monotonic() - begun, 2),
        unit="s",
        note="full",
    )


if __name__ == "__main__":
    main()
