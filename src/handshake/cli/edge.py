"""`handshake edge`: switches and lists, changed without a release and enforced in milliseconds."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.durations import DurationType
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring, who_asks
from handshake.control.edge_data import DataReport, find_list
from handshake.control.lists import FOREVER, ListDelta
from handshake.control.switches import SwitchSetting, is_switch_on, print_switch

_reason = click.option("--reason", required=True, help="Why, for the journal.")
_for = click.option(
    "--for", "seconds", type=DurationType(), default=None, help="How long: 90s, 10m, 2h, 7d; else for good."
)
_list = click.option("--list", "list_name", default="wall", show_default=True, help="Which list.")


@dataclass(frozen=True, kw_only=True)
class SwitchRow:
    """A switch of the live policy and what operators made of it."""

    name: str
    is_on: bool
    setting: SwitchSetting | None


@dataclass(frozen=True, kw_only=True)
class SwitchesReport:
    """All switches."""

    switches: tuple[SwitchRow, ...]


@dataclass(frozen=True, kw_only=True)
class ListReport:
    """What operators put on a list, leases that ended left out."""

    name: str
    entries: tuple[ListDelta, ...]


@click.group()
def edge() -> None:
    """Switches and lists of the edge, changed without a release."""


@edge.group()
def switch() -> None:
    """Named settings, on or off."""


@switch.command("set")
@click.argument("name")
@click.argument("value", type=click.Choice(["on", "off"]))
@_for
@_reason
@campaign_option
@json_option
def set_switch(
    name: str, value: str, *, seconds: float | None, reason: str, campaign: str, as_json: bool
) -> None:
    """Turn switch NAME on or off, for a time or for good."""
    with errors_explained(as_json=as_json):
        operator = open_wiring(campaign).operator(who_asks())
        done = operator.set_switch(name, is_on=value == "on", seconds=seconds, reason=reason)
        _finish(done, as_json=as_json)


@switch.command("undo")
@click.argument("name")
@campaign_option
@json_option
def undo_switch(name: str, *, campaign: str, as_json: bool) -> None:
    """Return switch NAME to what it was before it was last set."""
    with errors_explained(as_json=as_json):
        _finish(open_wiring(campaign).operator(who_asks()).undo_switch(name), as_json=as_json)


@switch.command("ls")
@campaign_option
@json_option
def list_switches(*, campaign: str, as_json: bool) -> None:
    """Show every switch: its value, who set it, why, until when."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        settings, now = wiring.switches.all(), wiring.clock.now()
        rows = tuple(
            SwitchRow(
                name=its.name,
                is_on=is_switch_on(settings.get(its.name), now, default=its.is_on),
                setting=settings.get(its.name),
            )
            for its in wiring.operator(who_asks()).live().policy.edge.switches
        )
        show(SwitchesReport(switches=rows), as_json=as_json, for_people=lambda: _tell_switches(rows))


@edge.group()
def wall() -> None:
    """The wall and other lists of clients."""


@wall.command("add")
@click.argument("network")
@_list
@_for
@_reason
@campaign_option
@json_option
def add_to_list(
    network: str, *, list_name: str, seconds: float | None, reason: str, campaign: str, as_json: bool
) -> None:
    """Ban NETWORK (an address or a network), for a time or for good."""
    with errors_explained(as_json=as_json):
        operator = open_wiring(campaign).operator(who_asks())
        done = operator.put_on_list(list_name, network, seconds=seconds, reason=reason)
        _finish(done, as_json=as_json)


@wall.command("remove")
@click.argument("network")
@_list
@click.option("--reason", default="removed", help="Why, for the journal.")
@campaign_option
@json_option
def remove_from_list(network: str, *, list_name: str, reason: str, campaign: str, as_json: bool) -> None:
    """Let NETWORK in again."""
    with errors_explained(as_json=as_json):
        operator = open_wiring(campaign).operator(who_asks())
        _finish(operator.take_off_list(list_name, network, reason=reason), as_json=as_json)


@wall.command("ls")
@_list
@campaign_option
@json_option
def show_list(*, list_name: str, campaign: str, as_json: bool) -> None:
    """Show what a list holds: until when, by whom, why."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        find_list(wiring.operator(who_asks()).live(), list_name)
        entries = tuple(wiring.lists.entries(list_name).values())
        report = ListReport(name=list_name, entries=entries)
        show(report, as_json=as_json, for_people=lambda: _tell_list(report))


def _finish(report: DataReport, *, as_json: bool) -> None:
    """Print what became of a change; exit with 1 where a door has not said yet that it enforces it."""
    show(report, as_json=as_json, for_people=lambda: _tell(report))
    if not report.is_enforced:
        sys.exit(1)


def _tell(report: DataReport) -> None:
    if report.is_enforced:
        out.print(f"{report.what}: [green]every door enforces it[/] after {report.seconds * 1000:.0f} ms")
    else:
        out.print(
            f"{report.what}: [yellow]written, and no ack of every door yet[/]; handshake status says who"
        )


def _tell_switches(rows: tuple[SwitchRow, ...]) -> None:
    table = Table("switch", "value", "until", "by", "reason", box=None)
    for row in rows:
        its = row.setting
        until = _moment(its.until) if its and its.until else ""
        who = (its.owner, its.reason) if its else ("", "")
        table.add_row(row.name, print_switch(is_on=row.is_on), until, *map(escape, who))
    out.print(table)


def _tell_list(report: ListReport) -> None:
    table = Table("network", "until", "by", "reason", box=None)
    for entry in report.entries:
        until = "for good" if entry.until >= FOREVER else _moment(entry.until)
        table.add_row(entry.network, until, entry.author, escape(entry.reason))
    out.print(table)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
