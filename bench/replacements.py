"""Replacements: a gateway's members are replaced under load, in turn with the same load and nobody replaced."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from frame import Measure, compare, doing, interleave, spread
from gate import PATH, Gate, run_gate
from handshake.drills.load_run import LoadReport, load_running
from handshake.drills.plan import Habits, LoadPlan, Target
from handshake.drills.requests import RequestKind
from handshake.drills.summary import summarise_load
from load import Load, run_wrk

_MEMBERS = 8
_AT_ONCE = 5
_BATCHES = 10
_REPETITIONS = 2
_SECONDS = 8
_PAUSE_SECONDS = 0.25
"""Between two batches, so that they fill the time of the load."""
_CONNECTIONS = 64
_RATE_PER_SECOND = 500.0
_PEER = "nobody replaced"
_KINDS = (
    RequestKind(name="read", method="GET", path=PATH),
    RequestKind(name="write", method="POST", path=PATH),
)
_HABITS = Habits(keep=1, close=1, rest=0)
"""Half of the visitors keep their connection, half close it."""

_FIGURES: Mapping[str, tuple[str, Callable[[Load], float]]] = {
    "requests": ("1/s", lambda load: load.per_second),
    "p99": ("ms", lambda load: load.p99_milliseconds),
}

Turnover = Callable[[], AbstractContextManager[object]]


def measure_replacements() -> Iterator[Measure]:
    """Replace members under all the load that there can be, and under one that is counted request by request."""
    with (
        tempfile.TemporaryDirectory(prefix="handshake-gate-") as folder,
        run_gate(Path(folder), members=_MEMBERS) as gate,
    ):
        took: list[float] = []
        turnovers: Mapping[str, Turnover] = {
            "replacing": partial(_replacing, gate, took),
            "quiet": nullcontext,
        }
        yield from _race_flood(gate, turnovers)
        yield from _race_counted(gate, turnovers)
        yield from spread(f"replacement of {_AT_ONCE} at once: launch to end", took)


def _race_flood(gate: Gate, turnovers: Mapping[str, Turnover]) -> Iterator[Measure]:
    """Ask as fast as it is answered; an answer that is no 200 ends the bench."""
    replaced = _BATCHES * _AT_ONCE
    with doing(f"{replaced} replacements under a flood of GET, {_REPETITIONS} times"):
        loads = interleave(
            {name: partial(_flood, gate, turnover) for name, turnover in turnovers.items()},
            repetitions=_REPETITIONS,
        )
    note = f"GET, {_CONNECTIONS} kept connections, {replaced} replacements in {_SECONDS} s, 0 failed"
    for name, (unit, read) in _FIGURES.items():
        ours, theirs = ([read(load) for load in loads[who]] for who in ("replacing", "quiet"))
        yield compare(f"replacing under a flood: {name}", unit, ours, _PEER, theirs, note=note)


def _race_counted(gate: Gate, turnovers: Mapping[str, Turnover]) -> Iterator[Measure]:
    """Ask at a rate, whatever is answered: GET and POST, on kept connections and on fresh ones."""
    replaced = _BATCHES * _AT_ONCE
    with doing(f"{replaced} replacements under counted GET and POST, {_REPETITIONS} times"):
        reports = interleave(
            {name: partial(_count, gate, turnover) for name, turnover in turnovers.items()},
            repetitions=_REPETITIONS,
        )
    note = f"GET and POST, kept and closed, {_RATE_PER_SECOND:.0f}/s, {replaced} replacements a run"
    ours, theirs = (
        [summarise_load(report).latency.p99 * 1000 for report in reports[who]]
        for who in ("replacing", "quiet")
    )
    yield compare("replacing under counted load: p99", "ms", ours, _PEER, theirs, note=note)
    summaries = [summarise_load(report) for report in reports["replacing"]]
    yield Measure(
        name="replacing under counted load: failed",
        value=sum(summary.failed for summary in summaries),
        unit="requests",
        note=f"of {sum(summary.requests for summary in summaries):,}",
    )


def _flood(gate: Gate, turnover: Turnover) -> Load:
    with turnover():
        return run_wrk(f"http://{gate.address}{PATH}", connections=_CONNECTIONS, seconds=_SECONDS)


def _count(gate: Gate, turnover: Turnover) -> LoadReport:
    host, _, port = gate.address.rpartition(":")
    plan = LoadPlan(
        target=Target(host=host, port=int(port)),
        kinds=_KINDS,
        rate_per_second=_RATE_PER_SECOND,
        duration_seconds=_SECONDS,
        habits=_HABITS,
    )
    with load_running(plan) as load, turnover():
        load.wait()
    return load.result()


@contextmanager
def _replacing(gate: Gate, took: list[float]) -> Iterator[None]:
    """Replace members while the block runs; AssertionError where the load ended before the last one did."""
    errors: list[BaseException] = []
    turning = threading.Thread(target=_turn_over, args=(gate, took, errors))
    turning.start()
    try:
        yield
        is_late = turning.is_alive()
    finally:
        turning.join()
    if errors:
        raise errors[0]
    if is_late:
        raise AssertionError(f"{_BATCHES * _AT_ONCE} replacements took longer than {_SECONDS} s of load")


def _turn_over(gate: Gate, took: list[float], errors: list[BaseException]) -> None:
    try:
        for _ in range(_BATCHES):
            took.append(gate.replace_oldest(_AT_ONCE))
            time.sleep(_PAUSE_SECONDS)
    except Exception as error:  # noqa: BLE001 -- raised again by whoever waits for this thread
        errors.append(error)
