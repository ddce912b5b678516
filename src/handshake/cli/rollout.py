"""`handshake rollout` and `scale`: control a service's rollouts and its number of instances."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from handshake.campaign.status import FleetRow, read_fleets
from handshake.cli.arriving import draw_fleet, watching
from handshake.cli.completion import complete_service
from handshake.cli.screen import (
    DurationType,
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    who_asks,
)
from handshake.cli.session import open_campaign
from handshake.compose.cli import CliParts
from handshake.core.digest import short
from handshake.core.errors import RefusedError
from handshake.fleet.engine.describe import print_moment
from handshake.fleet.engine.state import Hold, Stage
from handshake.fleet.scaling import AUTOSCALER, Scale
from handshake.pointers.pointer import Pointer

_AT_REST = {Stage.SETTLED, Stage.STUCK}
_LOOK_SECONDS = 0.2

_reason = click.option("--reason", required=True, help="The reason, for the journal.")
_service = click.argument("service", shell_complete=complete_service)


@dataclass(frozen=True, kw_only=True)
class AbortReport:
    """The pointers that were moved back, each at its new revision."""

    service: str
    pointers: tuple[Pointer, ...]


@click.group()
def rollout() -> None:
    """Control a service's rollout: pause, resume, abort or watch it."""


@rollout.command()
@_service
@click.option(
    "--for",
    "seconds",
    type=DurationType(),
    default=None,
    help="How long: 90s, 10m, 2h, 7d. Default: until resumed.",
)
@_reason
@campaign_option
@json_option
def pause(service: str, *, seconds: float | None, reason: str, campaign: str, as_json: bool) -> None:
    """Pause SERVICE's rollouts, for a limited time or until resumed. Crashed instances are still replaced."""
    with errors_explained(as_json=as_json):
        hold = open_campaign(campaign).rollouts(who_asks()).pause(service, reason=reason, seconds=seconds)
        print_report(hold, as_json=as_json, for_people=lambda: _print_pause(hold))


@rollout.command()
@_service
@click.option("--reason", default="resumed", help="The reason, for the journal.")
@campaign_option
@json_option
def resume(service: str, *, reason: str, campaign: str, as_json: bool) -> None:
    """Resume SERVICE's rollouts."""
    with errors_explained(as_json=as_json):
        hold = open_campaign(campaign).rollouts(who_asks()).resume(service, reason=reason)
        print_report(hold, as_json=as_json, for_people=lambda: _print_resume(hold))


@rollout.command()
@_service
@_reason
@campaign_option
@json_option
def abort(service: str, *, reason: str, campaign: str, as_json: bool) -> None:
    """Abort: move SERVICE's image and templates back to what the whole fleet last ran, and end the trial."""
    with errors_explained(as_json=as_json):
        moved = open_campaign(campaign).rollouts(who_asks()).abort(service, reason=reason)
        report = AbortReport(service=service, pointers=moved)
        print_report(report, as_json=as_json, for_people=lambda: _print_abort(report))


@rollout.command()
@_service
@click.option("--wait", "seconds", default=600.0, show_default=True, help="How long to watch.")
@campaign_option
@json_option
def watch(service: str, *, seconds: float, campaign: str, as_json: bool) -> None:
    """Watch SERVICE's fleet until it has settled; exit with 1 if it has not."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        with watching(lambda: (_read(parts, service),), is_quiet=as_json):
            fleet = _wait(parts, service, seconds)
        print_report(fleet, as_json=as_json, for_people=lambda: out.print(draw_fleet(fleet)))
        if fleet.stage != Stage.SETTLED:
            sys.exit(1)


def _wait(parts: CliParts, service: str, seconds: float) -> FleetRow:
    """Return the fleet once it has settled, or its state when the time is over."""
    deadline = parts.clock.monotonic() + seconds
    while (fleet := _read(parts, service)).stage not in _AT_REST and parts.clock.monotonic() < deadline:
        parts.clock.sleep(_LOOK_SECONDS)
    return fleet


def _read(parts: CliParts, service: str) -> FleetRow:
    found = next((fleet for fleet in read_fleets(parts.live_data.catalog) if fleet.service == service), None)
    if found is None:
        raise RefusedError(f"service {service} has no fleet", hint="`handshake status` shows every service.")
    return found


def _print_pause(hold: Hold) -> None:
    until = f"until {print_moment(hold.until)}" if hold.until is not None else "until resumed"
    out.print(f"{hold.service}: [yellow]paused[/] {until}; crashed instances are still replaced")


def _print_resume(hold: Hold) -> None:
    out.print(f"{hold.service}: [green]resumed[/]; it was paused by {hold.owner} ", end="")
    out.print(f"since {print_moment(hold.since)}: {hold.reason}", markup=False, soft_wrap=True)


def _print_abort(report: AbortReport) -> None:
    for pointer in report.pointers:
        out.print(f"{pointer.subject} -> {short(pointer.release)} revision {pointer.revision}: moved back")


# `handshake scale`: sets the number of a service's instances.

_AUTO = "auto"


class CountType(click.ParamType[int | None]):
    """A number of instances, or `auto`."""

    name = "count"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the number, None for `auto`."""
        text = str(value)
        if text == _AUTO:
            return None
        if not text.isdigit():
            self.fail(f"{text!r} is neither a number nor {_AUTO!r}", param, ctx)
        return int(text)


@click.command()
@click.argument("service", shell_complete=complete_service)
@click.argument("count", type=CountType())
@click.option(
    "--for",
    "seconds",
    type=DurationType(),
    default=None,
    help="How long this number overrides the autoscaler: 90s, 10m, 2h, 7d. Default: for good.",
)
@click.option("--reason", required=True, help="The reason, for the journal.")
@campaign_option
@json_option
def scale(
    service: str, count: int | None, *, seconds: float | None, reason: str, campaign: str, as_json: bool
) -> None:
    """Run COUNT instances of SERVICE, or let the autoscaler decide again with `auto`."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        services = parts.operator(who_asks()).live().policy.campaign.services
        scales = parts.scales(who_asks())
        if count is None:
            said = scales.release(services, service, reason=reason)
        else:
            said = scales.hold(services, service, count, reason=reason, seconds=seconds)
        print_report(said, as_json=as_json, for_people=lambda: _print(said))


def _print(said: Scale) -> None:
    if said.owner == AUTOSCALER:
        out.print(f"{said.service}: the autoscaler decides again, starting at {said.wanted} instances")
        return
    until = f"until {print_moment(said.until)}" if said.until is not None else "for good"
    out.print(f"{said.service}: {said.wanted} instances {until}")
