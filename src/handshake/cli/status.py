"""`handshake status` and `drift`: every pointer and its acks, and what runs compared with the pointers."""

from __future__ import annotations

import sys

import click
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from handshake.agent.drift import DriftReport
from handshake.campaign.status import FleetRow, InstanceRow, PlaceCell, PlaceState, StatusReport
from handshake.cli.completion import complete_service
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report
from handshake.cli.session import open_campaign
from handshake.compose.routers import inspect_drift
from handshake.compose.status import read_campaign_status
from handshake.core.digest import short
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.fleet.engine.describe import print_moment
from handshake.fleet.instance import VerdictState

_MARKS = {
    PlaceState.SERVES: ("✓", "green"),
    PlaceState.WAITS: ("…", "yellow"),
    PlaceState.REFUSES: ("✗", "red"),
}
_FINDINGS = {
    VerdictState.YES: ("yes", "green"),
    VerdictState.NO: ("no", "red"),
    VerdictState.UNKNOWN: ("?", "yellow"),
}


@click.command()
@click.argument("service", default="", shell_complete=complete_service)
@campaign_option
@json_option
def status(service: str, *, campaign: str, as_json: bool) -> None:
    """Show every pointer and which places have acknowledged it; for one SERVICE, also its instances."""
    with errors_explained(as_json=as_json):
        report = read_campaign_status(open_campaign(campaign).campaign)
        _require_fleet(report, service)
        print_report(report, as_json=as_json, for_people=lambda: _print(report, service))


def _require_fleet(report: StatusReport, service: str) -> None:
    known = [fleet.service for fleet in report.fleets]
    if service and service not in known:
        problem = Problem(
            check="unknown-service",
            what=f"the campaign has no service {service}",
            where=Location(file="status"),
            hint=f"It has: {', '.join(known) or 'none yet'}.",
        )
        raise ProblemsError([problem])


def _print(report: StatusReport, service: str) -> None:
    table = Table("subject", "release", "rev", "places", "why", box=None)
    for row in report.subjects:
        places = Text(" ").join(_mark(cell) for cell in row.places)
        release = Text(short(row.release), style="" if row.is_stable else "yellow")
        table.add_row(row.subject, release, str(row.revision), places, escape(row.reason))
    out.print(table)
    refusals = [cell for row in report.subjects for cell in row.places if cell.state is PlaceState.REFUSES]
    for cell in refusals:
        out.print(f"{cell.place} refuses: {cell.said}", markup=False, style="red", soft_wrap=True)
    for fleet in report.fleets:
        _print_fleet(fleet, is_detailed=fleet.service == service)
    for note in report.notes:
        out.print(note, markup=False, style="dim", soft_wrap=True)
    limits = ", ".join(f"{node.name} {node.limited_by}" for node in report.nodes if node.address)
    out.print(f"limits of instances: {limits}", style="dim")
    leader = report.leader or "no leader: commands and places still work, fleets do not change"
    out.print(f"leader: {leader}", style="dim")


def _mark(cell: PlaceCell) -> Text:
    mark, colour = _MARKS[cell.state]
    return Text(f"{mark}{cell.place}", style=colour)


def _print_fleet(fleet: FleetRow, *, is_detailed: bool) -> None:
    out.print(
        f"[bold]{fleet.service}[/] {len(fleet.instances)} instances, {fleet.progress}, "
        f"{fleet.stage} since {print_moment(fleet.since)}: ",
        end="",
    )
    out.print(fleet.sentence, markup=False, soft_wrap=True)
    if not is_detailed:
        return
    for instance in fleet.instances:
        if instance.instance == fleet.witness:
            out.print(f"last probe of {instance.instance}: {_describe_probe(instance)}", soft_wrap=True)
    table = Table("instance", "generation", "phase", "alive", "ready", "fresh", "last probe", box=None)
    for instance in fleet.instances:
        findings = (_find(each) for each in (instance.alive, instance.ready, instance.fresh))
        table.add_row(
            instance.instance, instance.generation, instance.phase, *findings, _describe_probe(instance)
        )
    out.print(table)
    for instance in fleet.instances:
        for line in instance.log_tail:
            out.print(f"{instance.instance} | {line}", markup=False, style="dim", soft_wrap=True)


def _find(finding: VerdictState) -> Text:
    word, colour = _FINDINGS[finding]
    return Text(word, style=colour)


def _describe_probe(instance: InstanceRow) -> str:
    probe = instance.last_probe
    return f"{probe.status} in {probe.latency_seconds * 1000:.0f} ms {escape(probe.body[:60])}"


# `handshake drift`: what runs compared with the pointers, file by file.


@click.command()
@campaign_option
@json_option
def drift(*, campaign: str, as_json: bool) -> None:
    """Compare the instances, trees and routers of this node with the pointers; exit with 1 if any has drifted."""
    with errors_explained(as_json=as_json):
        report = inspect_drift(open_campaign(campaign).campaign)
        print_report(report, as_json=as_json, for_people=lambda: _print_drift(report))
        if report.has_drifted:
            sys.exit(1)


def _print_drift(report: DriftReport) -> None:
    out.print(f"checked {', '.join(report.looked_at)}", style="dim")
    if not report.differences:
        out.print("[green]no drift[/]: everything matches the pointers")
        return
    table = Table("", "wanted", "found", "plan", box=None)
    for each in report.differences:
        plan = escape(each.plan) or "[red]none: drift[/]"
        table.add_row(*map(escape, (each.thing, each.wanted, each.found)), plan)
    out.print(table)
