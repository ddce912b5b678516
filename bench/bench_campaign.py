"""requests/s and latency through the whole campaign against bare programs; memory, start, enforcement."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.campaign import CampaignUnderTest, copy_campaign

from frame import Measure, doing, report, spread
from memory import memory_by_part
from moments import measure_ban, measure_site, measure_switch, trust_the_bench
from races import race_cache, race_service
from rest import cpu_at_rest
from starts import measure_starts

_CHANGES = 50
_MOVES = 10


def main() -> None:
    """Bring a campaign up, measure it, take it down."""
    root = Path(tempfile.mkdtemp(prefix="handshake-bench-"))
    system = copy_campaign(root)
    trust_the_bench(system)
    try:
        report("the whole campaign", tuple(_measure(system)))
    finally:
        if system.run.exists():
            system.handshake("down", "--purge", "--yes")
        shutil.rmtree(root, ignore_errors=True)


def _measure(system: CampaignUnderTest) -> Iterator[Measure]:
    yield from measure_starts(system)
    yield from _measure_rest(system)
    yield from race_cache(system)
    yield from race_service(system)
    yield from _measure_moments(system)


def _measure_rest(system: CampaignUnderTest) -> Iterator[Measure]:
    with doing("processor at rest"):
        shares = cpu_at_rest(system.run)
    for part, share in shares.items():
        yield Measure(name=f"processor at rest: {part}", value=share, unit="% of a core")
    memory = memory_by_part(system.run)
    for part, mebibytes in memory.items():
        yield Measure(name=f"memory at rest: {part}", value=mebibytes, unit="MiB", note="PSS")
    yield Measure(name="memory at rest: all", value=round(sum(memory.values()), 1), unit="MiB", note="PSS")


def _measure_moments(system: CampaignUnderTest) -> Iterator[Measure]:
    with doing(f"{_CHANGES} bans"):
        yield from spread("ban: accepted -> refused at the ingress", measure_ban(system, _CHANGES))
    with doing(f"{_CHANGES} turns of a switch"):
        yield from spread("switch: accepted -> its rule answers", measure_switch(system, _CHANGES))
    with doing(f"{_MOVES} moves of a site"):
        yield from spread("site pointer: moved -> served", measure_site(system, _MOVES))


if __name__ == "__main__":
    main()
