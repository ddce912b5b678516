"""A fleet on the screen while it is replaced: its stage, why it waits, and a tile for each instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from handshake.cli.screen import err
from handshake.control.status import FleetRow, InstanceRow
from handshake.core.errors import HandshakeError
from handshake.core.instance import Phase
from handshake.core.verdict import Finding
from handshake.fleet.state import Stage
from handshake.fleet.wording import print_moment

_PER_SECOND = 4
_COLOURS = {Stage.SETTLED: "green", Stage.FROZEN: "red", Stage.STUCK: "red"}
_MARKS = {Finding.YES: "✓", Finding.NO: "✗", Finding.UNKNOWN: "?"}
_TILE_WIDTH = 30

ReadFleets = Callable[[], tuple[FleetRow, ...]]


@contextmanager
def watching(read: ReadFleets, *, is_quiet: bool = False) -> Iterator[None]:
    """Show these fleets on standard error while the block runs; a pipe sees none of it."""
    if is_quiet or not err.is_terminal:
        yield
        return
    view = _View(read)
    with Live(console=err, get_renderable=view.draw, refresh_per_second=_PER_SECOND, transient=True):
        yield


def draw_fleet(fleet: FleetRow) -> RenderableType:
    """Return one fleet as it is drawn."""
    stage = Text(fleet.stage, style=_COLOURS.get(Stage(fleet.stage), "yellow"))
    head = Text.assemble(
        (fleet.service, "bold"), "  ", stage, f" since {print_moment(fleet.since)}  {fleet.progress}"
    )
    return Group(head, Text(fleet.sentence, style="dim"), Columns(map(_draw_tile, fleet.instances)))


class _View:
    """What was read last stays on the screen while the catalogue does not answer."""

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
    phase = "" if instance.phase == Phase.RUN else f"  {instance.phase}"
    text = Text(f"{instance.generation}\n{verdicts}{phase}")
    return Panel(text, title=instance.instance, border_style=_colour_of(instance), width=_TILE_WIDTH)


def _colour_of(instance: InstanceRow) -> str:
    if instance.alive is Finding.NO:
        return "red"
    if instance.phase != Phase.RUN:
        return "blue"
    return "green" if instance.ready is instance.fresh is Finding.YES else "yellow"
