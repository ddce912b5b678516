"""Waits for a moved pointer and shows its progress: progress bars, and a fleet while it is replaced."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import Progress
from rich.text import Text

from handshake.campaign.operator import Operator
from handshake.campaign.publish import ProgressReporter
from handshake.campaign.status import FleetRow, InstanceRow, read_fleets
from handshake.cli.screen import err, out, print_report, progress
from handshake.core.digest import short
from handshake.core.errors import HandshakeError
from handshake.core.subject import Kind
from handshake.fleet.engine.describe import print_moment
from handshake.fleet.engine.state import Stage
from handshake.fleet.instance import InstancePhase, VerdictState
from handshake.pointers.arrival import Arrival, ArrivalOutcome
from handshake.pointers.pointer import Pointer
from handshake.release.upload import UploadProgress


def wait_and_tell(operator: Operator, moved: Pointer, *, seconds: float, as_json: bool) -> None:
    """Wait for every place and print the result; exit with 1 if the pointer did not arrive."""
    if moved.subject.kind in {Kind.IMAGE, Kind.TEMPLATES}:
        with watching(lambda: _concerned(operator, moved), is_quiet=as_json):
            arrival = operator.wait(moved, seconds=seconds, tell=lambda _: None)
    else:
        with progress(is_quiet=as_json) as bars:
            task = bars.add_task(f"{moved.subject} -> {short(moved.release)}", total=None)
            arrival = operator.wait(
                moved, seconds=seconds, tell=lambda why: bars.update(task, description=why)
            )
    print_report(arrival, as_json=as_json, for_people=lambda: _print(arrival))
    if arrival.ending is not ArrivalOutcome.ARRIVED:
        sys.exit(1)


def _concerned(operator: Operator, moved: Pointer) -> tuple[FleetRow, ...]:
    """Return the image's fleet; for templates, every fleet that has not settled."""
    fleets = read_fleets(operator.catalog)
    if moved.subject.kind is Kind.IMAGE:
        return tuple(fleet for fleet in fleets if fleet.service == moved.subject.name)
    return tuple(fleet for fleet in fleets if fleet.stage != Stage.SETTLED)


def _print(arrival: Arrival) -> None:
    pointer = arrival.pointer
    colour = "green" if arrival.ending is ArrivalOutcome.ARRIVED else "red"
    out.print(
        f"{pointer.subject} -> {short(pointer.release)} revision {pointer.revision}: "
        f"[{colour}]{arrival.ending}[/] after {arrival.seconds:.2f} s"
    )
    out.print(f"  {arrival.why}", markup=False, style="dim", soft_wrap=True)


# A fleet on the screen while it is replaced: its stage, why it waits, and a tile for each instance.

_PER_SECOND = 4
_COLOURS = {Stage.SETTLED: "green", Stage.FROZEN: "red", Stage.STUCK: "red"}
_MARKS = {VerdictState.YES: "✓", VerdictState.NO: "✗", VerdictState.UNKNOWN: "?"}
_TILE_WIDTH = 30

ReadFleets = Callable[[], tuple[FleetRow, ...]]


@contextmanager
def watching(read: ReadFleets, *, is_quiet: bool = False) -> Iterator[None]:
    """Show these fleets on standard error while the block runs; nothing if it is not a terminal."""
    if is_quiet or not err.is_terminal:
        yield
        return
    view = _View(read)
    with Live(console=err, get_renderable=view.draw, refresh_per_second=_PER_SECOND, transient=True):
        yield


def draw_fleet(fleet: FleetRow) -> RenderableType:
    """Return the drawing of one fleet."""
    stage = Text(fleet.stage, style=_COLOURS.get(Stage(fleet.stage), "yellow"))
    head = Text.assemble(
        (fleet.service, "bold"), "  ", stage, f" since {print_moment(fleet.since)}  {fleet.progress}"
    )
    return Group(head, Text(fleet.sentence, style="dim"), Columns(map(_draw_tile, fleet.instances)))


class _View:
    """The last state stays on the screen while the catalogue does not answer."""

    def __init__(self, read: ReadFleets) -> None:
        self._read = read
        self._seen: tuple[FleetRow, ...] = ()

    def draw(self) -> RenderableType:
        try:
            self._seen = self._read()
        except HandshakeError as error:
            return Group(*map(draw_fleet, self._seen), Text(error.what, style="red"))
        return Group(*map(draw_fleet, self._seen))


def _draw_tile(instance: InstanceRow) -> Panel:
    verdicts = f"{_MARKS[instance.ready]} ready  {_MARKS[instance.fresh]} fresh"
    phase = "" if instance.phase == InstancePhase.RUN else f"  {instance.phase}"
    text = Text(f"{instance.generation}\n{verdicts}{phase}")
    return Panel(text, title=instance.instance, border_style=_colour_of(instance), width=_TILE_WIDTH)


def _colour_of(instance: InstanceRow) -> str:
    if instance.alive is VerdictState.NO:
        return "red"
    if instance.phase != InstancePhase.RUN:
        return "blue"
    return "green" if instance.ready is instance.fresh is VerdictState.YES else "yellow"


# Progress of a publish as bars.


def publish_progress(
    bars: Progress, subject: str, done: dict[str, UploadProgress] | None = None
) -> ProgressReporter:
    """Return a reporter that shows a publish as one bar: its steps, then the upload of its objects.

    Afterwards, `done` holds how many objects were uploaded to each region.
    """
    task = bars.add_task(subject, total=None)
    done = {} if done is None else done

    def step(what: str) -> None:
        bars.update(task, description=f"{subject}: {what}")

    def upload(progress: UploadProgress) -> None:
        done[progress.region] = progress
        bars.update(
            task,
            description=f"{subject}: to {', '.join(sorted(done))}",
            completed=sum(each.done for each in done.values()),
            total=sum(each.total for each in done.values()),
        )

    return ProgressReporter(step=step, upload=upload)


def describe_upload(sent: Mapping[str, int]) -> str:
    """Describe how many objects were uploaded to each region."""
    if not any(sent.values()):
        return "nothing to upload"
    return ", ".join(f"{count:,} objects to {region}" for region, count in sorted(sent.items()))
