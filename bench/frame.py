"""What every bench shares: repetitions side by side, medians, one table for people, one JSON object a line for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from handshake.drills.summary import percentile

Result = TypeVar("Result")

_people = Console(stderr=True)
_DIGITS = 3
_WIDTH = 150
"""Of the table where nobody's screen says how wide it is."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure, with that of a peer measured in the same run where there is one."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's, None where there is no peer."""
        return round(self.value / self.peer_value, _DIGITS) if self.peer_value else None


def interleave(
    contestants: Mapping[str, Callable[[], Result]], *, repetitions: int
) -> dict[str, list[Result]]:
    """Let each contestant run in turn, A B A B: what disturbs the machine meanwhile disturbs both."""
    results: dict[str, list[Result]] = {name: [] for name in contestants}
    for _ in range(repetitions):
        for name, run in contestants.items():
            results[name].append(run())
    return results


def compare(
    name: str, unit: str, ours: Sequence[float], peer: str, peers: Sequence[float], *, note: str = ""
) -> Measure:
    """Return the medians of interleaved repetitions side by side."""
    return Measure(
        name=name,
        value=_round(median(ours)),
        unit=unit,
        peer=peer,
        peer_value=_round(median(peers)),
        note=note,
    )


def spread(name: str, seconds: Sequence[float]) -> tuple[Measure, Measure]:
    """Return the middle and the slow end of many durations, in milliseconds."""
    ordered = sorted(second * 1000 for second in seconds)
    note = f"of {len(ordered)}"
    return (
        Measure(name=f"{name}, p50", value=_round(percentile(ordered, 50)), unit="ms", note=note),
        Measure(name=f"{name}, p99", value=_round(percentile(ordered, 99)), unit="ms", note=note),
    )


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Show people what takes so long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_people, transient=True) as bars:
        bars.add_task(what, total=None)
        yield


def report(title: str, measures: Sequence[Measure]) -> None:
    """Print what was measured: a table, or with `--json` on the command line one object a line."""
    if "--json" in sys.argv[1:]:
        for measure in measures:
            print(json.dumps({**asdict(measure), "ratio": measure.ratio}))
        return
    table = Table(title=title, box=None)
    for heading in ("what", "ours", "unit", "peer", "peer's", "ratio", "note"):
        table.add_column(heading, no_wrap=heading != "note")
    for measure in measures:
        table.add_row(
            measure.name,
            _show(measure.value),
            measure.unit,
            measure.peer,
            _show(measure.peer_value),
            _show(measure.ratio),
            measure.note,
        )
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _round(value: float) -> float:
    return round(value, _DIGITS)


def _show(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 -- four digits are enough to read
