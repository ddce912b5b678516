"""`handshake drill`: drills, each with a pass or fail report."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from handshake.cli.screen import errors_explained, json_option, out, print_report, who_asks
from handshake.cli.session import open_campaign
from handshake.cli.up import start_campaign
from handshake.compose.cli import CliParts
from handshake.core.subject import Kind, Subject
from handshake.drills.plan import Target
from handshake.drills.tour import SampleChange, Stop, Tour, changed_campaign, find_changes
from handshake.drills.tour_plan import TourPlan, plan_tour

_RATE_PER_SECOND = 100.0


@dataclass(frozen=True, kw_only=True)
class DrillReport:
    """The results of a drill."""

    drill: str
    is_good: bool
    stops: tuple[Stop, ...]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long load is sent at the least, and how much of it."""

    seconds: float
    rate: float


@click.group()
def drill() -> None:
    """Run a drill and report pass or fail."""


@drill.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--seconds", default=20.0, show_default=True, help="The minimum duration of the load.")
@click.option("--rate", default=_RATE_PER_SECOND, show_default=True, help="Requests per second.")
@json_option
def tour(folder: Path, *, seconds: float, rate: float, as_json: bool) -> None:
    """Exercise every feature of the campaign in FOLDER with real requests; start it if it is not up."""
    with errors_explained(as_json=as_json):
        report = start_campaign(folder.resolve(), is_quiet=as_json)
        parts = open_campaign(report.campaign)
        changes = find_changes(parts.paths.folder, parts.campaign.require_live().policy.campaign)
        with changed_campaign(parts.paths.folder, changes, f"tour-{uuid.uuid4().hex[:8]}") as changed:
            stops = tuple(_go(parts, changes, changed, Pace(seconds=seconds, rate=rate), is_quiet=as_json))
        done = DrillReport(drill="tour", is_good=all(stop.is_good for stop in stops), stops=stops)
        print_report(done, as_json=as_json, for_people=lambda: _print_end(done))
        if not done.is_good:
            sys.exit(1)


def _go(
    parts: CliParts, changes: Sequence[SampleChange], changed: Path, pace: Pace, *, is_quiet: bool
) -> list[Stop]:
    host, _, port = parts.paths.ingress.rpartition(":")
    subjects = tuple(change.subject for change in changes)
    plan = _plan(parts, subjects)
    tour = Tour(
        ingress=Target(host=host, port=int(port)),
        operator=parts.operator(who_asks(), changed),
        ledger=parts.donations(plan.donating.store) if plan.donating else None,
        plan=plan,
        subjects=subjects,
        load_seconds=pace.seconds,
        rate_per_second=pace.rate,
        clock=parts.clock,
    )
    stops: list[Stop] = []
    for stop in tour.go():
        stops.append(stop)
        if not is_quiet:
            _print(stop)
    return stops


def _plan(parts: CliParts, released: Collection[Subject]) -> TourPlan:
    policy, pointers = parts.campaign.require_live().policy, parts.live_data.pointers.all()
    images = {name: pointers.get(Subject(kind=Kind.IMAGE, name=name)) for name in policy.campaign.services}
    contracts = {name: parts.campaign.contract_of(image.release) for name, image in images.items() if image}
    return plan_tour(policy, contracts, released)


def _print(stop: Stop) -> None:
    mark = "[green]✓[/]" if stop.is_good else "[red]✗[/]"
    if stop.is_skipped:
        mark = "[yellow]skipped[/]"
    out.print(f"{mark} {stop.name}: ", end="")
    out.print(stop.measured, markup=False, style="dim", soft_wrap=True)


def _print_end(report: DrillReport) -> None:
    bad = sum(not stop.is_good for stop in report.stops)
    out.print("[green]all stops passed[/]" if report.is_good else f"[red]{bad} stops failed[/]")
    if skipped := sum(stop.is_skipped for stop in report.stops):
        out.print(f"{skipped} skipped: they do not apply to this campaign", style="dim")
