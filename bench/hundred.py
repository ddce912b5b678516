"""A hundred services with two real instances each: what starting, resting, leading and replacing them costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

from tests.support.campaign import CampaignUnderTest

from frame import Measure, doing, spread
from handshake.compose.campaign import compose_campaign
from handshake.compose.leader import compose_leader_cycle
from handshake.core.clock import SystemClock
from handshake.drills.load_run import load_running
from handshake.drills.plan import Habits, LoadPlan, Target
from handshake.drills.requests import RequestKind
from handshake.drills.summary import Summary, summarise_load
from handshake.leader.leadership import Leadership
from handshake.release.node_paths import load_node
from hundred_services import INSTANCES, SERVICES, hundred_services, other_source, path_of
from memory import memory_by_part
from parts import SUPERVISORS
from rest import cpu_at_rest

_TITLE = f"{len(SERVICES) * INSTANCES} real instances"
_PLATFORM = ("agent", "control", "catalog", "gateway", "ingress", "cache")
_CYCLES = 30
_UP_SECONDS = 180.0
_ROLLOUT_SECONDS = 60.0
_RATE_PER_SECOND = 50.0
_LEAD_SECONDS = 20.0


def measure_hundred() -> Iterator[Measure]:
    """Bring them up, let them rest, replace one service's under load, lead them, and end them all."""
    with hundred_services() as system:
        with doing(f"{_TITLE}: first start"):
            begun = time.perf_counter()
            system.handshake("up", str(system.campaign), seconds=_UP_SECONDS)
            took = time.perf_counter() - begun
        yield Measure(
            name=f"{_TITLE}: up -> all ready",
            value=round(took, 1),
            unit="s",
            note="bakes, publishes and promotes 100 images; a trial of each goes first",
        )
        yield from _measure_rest(system)
        yield from _measure_rollout(system)
        yield from _measure_leading(system)


def _measure_rest(system: CampaignUnderTest) -> Iterator[Measure]:
    with doing(f"{_TITLE}: at rest"):
        shares = cpu_at_rest(system.run)
        memory = memory_by_part(system.run)
    for part in _PLATFORM:
        yield Measure(name=f"{_TITLE}, processor: {part}", value=shares[part], unit="% of a core")
    for part in _PLATFORM:
        yield Measure(name=f"{_TITLE}, memory: {part}", value=memory[part], unit="MiB", note="PSS")
    each = median(_of_instances(memory).values())
    yield Measure(name=f"{_TITLE}, memory: an instance", value=each, unit="MiB", note="PSS, the median")
    yield Measure(
        name=f"{_TITLE}, memory: supervisor and sandbox of one",
        value=round(memory[SUPERVISORS] / len(memory), 2),
        unit="MiB",
        note="PSS",
    )


def _of_instances(by_part: Mapping[str, float]) -> dict[str, float]:
    return {part: value for part, value in by_part.items() if part.startswith("service-")}


def _measure_rollout(system: CampaignUnderTest) -> Iterator[Measure]:
    """Replace one service's instances while visitors ask for it."""
    service = SERVICES[0]
    release: str = system.verb("publish", f"image/{service}", str(other_source(system)))["release"]
    with doing(f"{_TITLE}: one service is replaced"), load_running(_plan(system, service)) as load:
        words = ("promote", f"image/{service}", release, "--force", "a bench")
        arrival: Any = system.verb(*words, seconds=_ROLLOUT_SECONDS)
        load.stop()
        summary: Summary = summarise_load(load.result())
    if arrival["ending"] != "arrived":
        raise AssertionError(f"image/{service} did not arrive: {arrival}")
    yield Measure(
        name=f"{_TITLE}: pointer of one service moved -> last ack",
        value=round(arrival["seconds"], 2),
        unit="s",
        note="trial, soak of 1 s, drain of each",
    )
    yield Measure(
        name=f"{_TITLE}: failed while one is replaced",
        value=summary.failed,
        unit="requests",
        note=f"of {summary.requests:,} through the ingress, {_RATE_PER_SECOND:.0f}/s",
    )


def _plan(system: CampaignUnderTest, service: str) -> LoadPlan:
    host, _, port = system.ingress.rpartition(":")
    return LoadPlan(
        target=Target(host=host, port=int(port)),
        kinds=(RequestKind(name="read", path=path_of(service)),),
        rate_per_second=_RATE_PER_SECOND,
        duration_seconds=_ROLLOUT_SECONDS,
        habits=Habits(keep=1, close=1, rest=0),
    )


def _measure_leading(system: CampaignUnderTest) -> Iterator[Measure]:
    """Lead in the control process's place, and time that."""
    campaign = compose_campaign(load_node(system.run / "node.json"), SystemClock())
    campaign.supervision.stop("control", _LEAD_SECONDS)
    leadership = Leadership(campaign.live_data.catalog, "bench")
    leader = compose_leader_cycle(campaign, leadership)
    try:
        _wait_to_lead(leadership)
        with doing(f"{_TITLE}: leading"):
            leader.cycle()
            clocks = [_time(leader.cycle) for _ in range(_CYCLES)]
    finally:
        leader.give_up()
    yield from spread(f"{_TITLE}: leader's cycle", [wall for wall, _ in clocks])
    yield Measure(
        name=f"{_TITLE}: leader's cycle, its processor time",
        value=round(median(own for _, own in clocks) * 1000, 1),
        unit="ms",
        note="without the catalogue's",
    )


def _wait_to_lead(leadership: Leadership) -> None:
    deadline = time.monotonic() + _LEAD_SECONDS
    while not leadership.keep():
        if time.monotonic() > deadline:
            raise AssertionError(f"another process still leads after {_LEAD_SECONDS:.0f} s")
        time.sleep(0.5)


def _time(act: Callable[[], object]) -> tuple[float, float]:
    """Return an act's seconds by the clock and by this process's processors."""
    begun, own = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - begun, time.process_time() - own
