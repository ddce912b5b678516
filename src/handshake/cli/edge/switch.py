"""`handshake edge switch`: named settings that are on or off."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.live_data import finish, for_option, open_live_data, print_moment, reason_option
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report, who_asks
from handshake.edge.lists.declared import find_switch
from handshake.edge.lists.switches import SwitchSetting, is_switch_on, print_switch


@dataclass(frozen=True, kw_only=True)
class SwitchRow:
    """A switch of the live policy and what operators have set it to."""

    name: str
    is_on: bool
    setting: SwitchSetting | None


@dataclass(frozen=True, kw_only=True)
class SwitchesReport:
    """All switches."""

    switches: tuple[SwitchRow, ...]


@dataclass(frozen=True, kw_only=True)
class SwitchHistory:
    """What operators set switches to, newest first."""

    settings: tuple[SwitchSetting, ...]


@click.group()
def switch() -> None:
    """Manage switches: named settings that are on or off."""


@switch.command("set")
@click.argument("name")
@click.argument("value", type=click.Choice(["on", "off"]))
@for_option
@reason_option
@campaign_option
@json_option
def set_switch(
    name: str, value: str, *, seconds: float | None, reason: str, campaign: str, as_json: bool
) -> None:
    """Turn switch NAME on or off, for a limited time or for good."""
    with errors_explained(as_json=as_json):
        switch_editor = open_live_data(campaign).switch_editor(who_asks())
        done = switch_editor.set(name, is_on=value == "on", seconds=seconds, reason=reason)
        finish(done, as_json=as_json)


@switch.command("undo")
@click.argument("name")
@campaign_option
@json_option
def undo_switch(name: str, *, campaign: str, as_json: bool) -> None:
    """Return switch NAME to its value before the last change."""
    with errors_explained(as_json=as_json):
        finish(open_live_data(campaign).switch_editor(who_asks()).undo(name), as_json=as_json)


@switch.command("history")
@click.argument("name", default="")
@campaign_option
@json_option
def show_history(name: str, *, campaign: str, as_json: bool) -> None:
    """Show every change of switch NAME, or of all switches. Rollbacks do not affect switches."""
    with errors_explained(as_json=as_json):
        live = open_live_data(campaign)
        if name:
            find_switch(live.declarations.require_live(), name)
        report = SwitchHistory(settings=live.switches.history(name))
        print_report(report, as_json=as_json, for_people=lambda: _print_history(report))


@switch.command("ls")
@campaign_option
@json_option
def list_switches(*, campaign: str, as_json: bool) -> None:
    """List every switch: its value, who set it, why, and until when."""
    with errors_explained(as_json=as_json):
        live = open_live_data(campaign)
        settings, now = live.switches.all(), live.clock.now()
        rows = tuple(
            SwitchRow(
                name=its.name,
                is_on=is_switch_on(settings.get(its.name), now, default=its.is_on),
                setting=settings.get(its.name),
            )
            for its in live.declarations.require_live().edge.switches
        )
        print_report(SwitchesReport(switches=rows), as_json=as_json, for_people=lambda: _print_switches(rows))


def _print_switches(rows: tuple[SwitchRow, ...]) -> None:
    table = Table("switch", "value", "until", "by", "reason", box=None)
    for row in rows:
        its = row.setting
        until = print_moment(its.until) if its and its.until else ""
        who = (its.owner, its.reason) if its else ("", "")
        table.add_row(row.name, print_switch(is_on=row.is_on), until, *map(escape, who))
    out.print(table)


def _print_history(report: SwitchHistory) -> None:
    table = Table("when", "switch", "value", "until", "by", "reason", box=None)
    for its in report.settings:
        until = print_moment(its.until) if its.until else ""
        value = print_switch(is_on=its.is_on)
        table.add_row(print_moment(its.set_at), its.name, value, until, escape(its.owner), escape(its.reason))
    out.print(table)
