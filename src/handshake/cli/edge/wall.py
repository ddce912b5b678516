"""`handshake edge wall`: the wall and other lists of clients."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.enforced import finish
from handshake.cli.edge.options import for_option, list_option, print_moment, reason_option
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring, who_asks
from handshake.control.edge_data import find_list
from handshake.control.lists import FOREVER, ListDelta


@dataclass(frozen=True, kw_only=True)
class ListReport:
    """What operators put on a list, leases that ended left out."""

    name: str
    entries: tuple[ListDelta, ...]


@click.group()
def wall() -> None:
    """The wall and other lists of clients."""


@wall.command("add")
@click.argument("network")
@list_option
@for_option
@reason_option
@campaign_option
@json_option
def add_to_list(
    network: str, *, list_name: str, seconds: float | None, reason: str, campaign: str, as_json: bool
) -> None:
    """Ban NETWORK (an address or a network), for a time or for good."""
    with errors_explained(as_json=as_json):
        operator = open_wiring(campaign).operator(who_asks())
        done = operator.put_on_list(list_name, network, seconds=seconds, reason=reason)
        finish(done, as_json=as_json)


@wall.command("remove")
@click.argument("network")
@list_option
@click.option("--reason", default="removed", help="Why, for the journal.")
@campaign_option
@json_option
def remove_from_list(network: str, *, list_name: str, reason: str, campaign: str, as_json: bool) -> None:
    """Let NETWORK in again."""
    with errors_explained(as_json=as_json):
        operator = open_wiring(campaign).operator(who_asks())
        finish(operator.take_off_list(list_name, network, reason=reason), as_json=as_json)


@wall.command("ls")
@list_option
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


def _tell_list(report: ListReport) -> None:
    table = Table("network", "until", "by", "reason", box=None)
    for entry in report.entries:
        until = "for good" if entry.until >= FOREVER else print_moment(entry.until)
        table.add_row(entry.network, until, entry.author, escape(entry.reason))
    out.print(table)
