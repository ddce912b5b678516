"""A crowd: a hundred services of two instances each, led and run by the real leader and agent in memory."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.support.world import LOOK, SERVICE, TICK_SECONDS, SimulatedWorld

from frame import Measure, doing, spread
from handshake.core.subject import Kind, Subject
from handshake.drivers.directory.store import make_region

_SERVICES = 100
_INSTANCES = 2
_QUIET_CYCLES = 20
_WITHIN_SECONDS = 300.0
_PAGE_BYTES = resource.getpagesize()


class Crowd:
    """A world whose leader's and agent's cycles are timed."""

    def __init__(self, folder: Path) -> None:
        settings = SERVICE.model_copy(update={"floor": _INSTANCES})
        others = {f"service-{number:02}": settings for number in range(_SERVICES - 2)}
        stores = [make_region(folder / region, region) for region in ("east", "west")]
        self.world = SimulatedWorld(folder / "work", stores, nodes=("n1",), service=settings, others=others)
        self.images = [Subject(kind=Kind.IMAGE, name=name) for name in self.world.campaign.services]
        self.leader_seconds: list[float] = []
        self.agent_seconds: list[float] = []

    def move(self, subjects: Sequence[Subject], text: str) -> float:
        """Promote a new release of each, and return the clock's seconds until the last one is settled."""
        begun = self.world.clock.monotonic()
        for subject in subjects:
            self.world.promote(subject, self.world.publish(subject, text))
        while not self._is_settled():
            if self.world.clock.monotonic() - begun > _WITHIN_SECONDS:
                raise AssertionError(f"not settled within {_WITHIN_SECONDS:.0f} s: {self.world.sentences()}")
            self.tick()
        return self.world.clock.monotonic() - begun

    def tick(self) -> None:
        """Let a second pass."""
        self.world.clock.advance(TICK_SECONDS)
        self.agent_seconds += [_time(node.cycle) for node in self.world.nodes]
        self.leader_seconds += [_time(leader.cycle) for leader in self.world.leaders]

    def forget_times(self) -> None:
        """Begin anew to collect cycles' times."""
        self.leader_seconds.clear()
        self.agent_seconds.clear()

    def _is_settled(self) -> bool:
        pointers = self.world.pointers.all()
        return all(pointer.stable == pointer.release for pointer in pointers.values())


def measure_crowd() -> Iterator[Measure]:
    """Time cycles at rest and while one service and all services are replaced; count memory."""
    before = _resident_mebibytes()
    with tempfile.TemporaryDirectory(prefix="handshake-crowd-") as folder:
        crowd = Crowd(Path(folder))
        with doing(f"{_SERVICES} services: first releases"):
            crowd.move((LOOK, *crowd.images), "first")
        yield Measure(
            name=f"{_SERVICES} services: memory of leader, agent and catalogue",
            value=round(_resident_mebibytes() - before, 1),
            unit="MiB",
            note=f"in one process, above the {before:.0f} MiB of the program itself",
        )
        yield from _measure_moments(crowd)


def _measure_moments(crowd: Crowd) -> Iterator[Measure]:
    with doing(f"{_SERVICES} services: at rest"):
        crowd.forget_times()
        for _ in range(_QUIET_CYCLES):
            crowd.tick()
    yield from _tell_cycles(crowd, "at rest")
    for name, subjects in (("one replaced", crowd.images[-1:]), ("all replaced at once", crowd.images)):
        with doing(f"{_SERVICES} services: {name}"):
            crowd.forget_times()
            took = crowd.move(subjects, f"release for {name}")
        yield Measure(
            name=f"{_SERVICES} services, {name}: pointer moved -> last ack",
            value=took,
            unit="s of the clock",
            note="a cycle a second; each instance boots for 3 s and soaks for 5 s, a trial goes first",
        )
        yield from _tell_cycles(crowd, name)


def _tell_cycles(crowd: Crowd, name: str) -> Iterator[Measure]:
    yield from spread(f"{_SERVICES} services, {name}: leader's cycle", crowd.leader_seconds)
    yield from spread(f"{_SERVICES} services, {name}: agent's cycle", crowd.agent_seconds)


def _time(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _resident_mebibytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES / 1024**2
