"""Plans: what one decision of the rollout engine costs, for fleets of growing size in the moments of a replacement."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from frame import Measure, doing
from handshake.core.digest import digest_bytes, short
from handshake.core.subject import parse_subject
from handshake.fleet.engine.plan import plan
from handshake.fleet.engine.state import Desired, FleetMember, FleetSettings, Observed, Rollout
from handshake.fleet.instance import (
    Assignment,
    Evidence,
    Generation,
    InstancePhase,
    InstanceReport,
    Verdict,
    Verdicts,
    VerdictState,
)
from handshake.pointers.pointer import Pointer

_SIZES = (100, 1_000, 10_000)
_NOW = 1_000_000.0
_SECONDS_EACH = 0.3
_LEAST_RUNS = 3
_OLD, _NEW = (Generation(image=digest_bytes(name)) for name in (b"old", b"new"))
_SUBJECT = parse_subject("image/hamm")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that the engine is told at one moment."""

    desired: Desired
    observed: Observed

    def plan(self) -> int:
        """Let the engine decide; how many steps it asks for."""
        return len(plan(self.desired, self.observed, _NOW).steps)


def measure_plans() -> Iterator[Measure]:
    """Time the engine in each moment and size, and tell how the time grows."""
    for name, scene_of in _SCENES.items():
        with doing(f"engine: {name}"):
            scenes = {size: scene_of(size) for size in _SIZES}
            seconds = {size: _time(scene) for size, scene in scenes.items()}
        yield from _tell(name, seconds, {size: scene.plan() for size, scene in scenes.items()})


def _tell(name: str, seconds: Mapping[int, float], steps: Mapping[int, int]) -> Iterator[Measure]:
    for size, each in seconds.items():
        title = f"engine, {name}: {size:,} instances"
        yield Measure(
            name=title, value=round(1 / each, 1), unit="plans/s", note=f"{steps[size]} steps a plan"
        )
    largest = _SIZES[-1]
    title, whole = f"engine, {name}: {largest:,} instances", seconds[largest]
    if steps[largest]:
        yield Measure(name=title, value=round(steps[largest] / whole), unit="steps/s")
    yield Measure(name=title, value=round(whole / largest * 1e9), unit="ns an instance")
    yield Measure(
        name=f"engine, {name}: growth",
        value=_growth(seconds, _SIZES[0], largest),
        unit="exponent",
        note="1 is linear; "
        + ", ".join(f"{a:,} -> {b:,}: {_growth(seconds, a, b)}" for a, b in pairwise(_SIZES)),
    )


def _growth(seconds: Mapping[int, float], small: int, large: int) -> float:
    """Return the exponent by which the time of a plan grows with the fleet."""
    return round(math.log(seconds[large] / seconds[small], large / small), 2)


def _time(scene: Scene) -> float:
    """Return the processor's seconds for the middle one of many plans; no other program's and no collector's."""
    scene.plan()
    gc.collect()
    gc.disable()
    try:
        runs: list[float] = []
        while sum(runs) < _SECONDS_EACH or len(runs) < _LEAST_RUNS:
            begun = time.thread_time()
            scene.plan()
            runs.append(time.thread_time() - begun)
    finally:
        gc.enable()
    return median(runs)


# The moments


def _settled(size: int) -> Scene:
    return _scene(size, *_members(size, _NEW), stable=_NEW)


def _surging(size: int) -> Scene:
    """The trial has passed, and all the others are stale."""
    return _scene(size, *_members(size - 1, _OLD), *_members(1, _NEW), passed=True)


def _half_way(size: int) -> Scene:
    """Newcomers have been proven: as many old ones may drain."""
    extra = _settings(size).budget
    return _scene(size, *_members(size // 2, _OLD), *_members(size // 2 + extra, _NEW), passed=True)


def _third_dead(size: int) -> Scene:
    dead = _members(size // 3, _NEW, alive=VerdictState.NO)
    return _scene(size, *_members(size - size // 3, _NEW), *dead, stable=_NEW)


def _all_ill(size: int) -> Scene:
    """Every instance lost what it depends on: the brake holds."""
    return _scene(size, *_members(size, _OLD, ready=VerdictState.NO), stable=_OLD, passed=True)


_SCENES: Mapping[str, Callable[[int], Scene]] = {
    "settled": _settled,
    "surge": _surging,
    "half way": _half_way,
    "a third dead": _third_dead,
    "all ill at once": _all_ill,
}


def _scene(size: int, *members: FleetMember, stable: Generation = _OLD, passed: bool = False) -> Scene:
    pointer = Pointer(
        subject=_SUBJECT,
        release=_NEW.image,
        revision=2,
        stable=stable.image,
        moved_by="bench",
        reason="bench",
        moved_at=_NOW - 500,
    )
    rollout = Rollout(service="hamm", stable=stable, passed=(_NEW,) if passed else ())
    return Scene(
        desired=Desired(service="hamm", image=pointer, settings=_settings(size)),
        observed=Observed(rollout=rollout, members=members),
    )


def _settings(size: int) -> FleetSettings:
    return FleetSettings(desired=size)


def _members(
    count: int,
    generation: Generation,
    *,
    phase: InstancePhase = InstancePhase.RUN,
    alive: VerdictState = VerdictState.YES,
    ready: VerdictState = VerdictState.YES,
) -> tuple[FleetMember, ...]:
    is_fresh = VerdictState.YES if generation == _NEW else VerdictState.NO
    verdicts = Verdicts(alive=_verdict(alive), ready=_verdict(ready), fresh=_verdict(is_fresh))
    return tuple(_member(number, generation, phase, verdicts) for number in range(count))


def _verdict(finding: VerdictState) -> Verdict:
    return Verdict(finding=finding, since=_NOW - 100, evidence=Evidence(status=200, at=_NOW))


def _member(number: int, generation: Generation, phase: InstancePhase, verdicts: Verdicts) -> FleetMember:
    name = f"hamm-{short(generation.image)}-{phase}-{verdicts.alive.finding}-{number}"
    assigned_at = _NOW - 200 + number % 97
    assignment = Assignment(
        instance=name,
        node=f"n{number % 10}",
        service="hamm",
        generation=generation,
        phase=phase,
        assigned_at=assigned_at,
        phase_at=assigned_at,
    )
    report = InstanceReport(
        instance=name,
        node=assignment.node,
        service="hamm",
        generation=generation,
        host="127.0.0.1",
        port=20_000,
        started_at=assigned_at,
        verdicts=verdicts,
    )
    is_running = phase is InstancePhase.RUN
    return FleetMember(
        assignment=assignment, report=report, is_in_pool=is_running, is_out_of_pool=not is_running
    )
