"""`handshake rollout`: pause a service's rollouts, let them go on, send one back."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_service
from handshake.cli.durations import DurationType
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring
from handshake.cli.watching import draw_fleet, watching
from handshake.control.status import FleetRow, read_fleets
from handshake.core.digest import short
from handshake.core.errors import RefusedError
from handshake.core.pointer import Pointer
from handshake.fleet.hold import Hold
from handshake.fleet.state import Stage
from handshake.fleet.wording import print_moment
from handshake.wiring.campaign import Wiring

_AT_REST = {Stage.SETTLED, Stage.STUCK}
_LOOK_SECONDS = 0.2

_reason = click.option("--reason", required=True, help="Why, for the journal.")
_service = click.argument("service", shell_complete=complete_service)


@dataclass(frozen=True, kw_only=True)
class AbortReport:
    """The pointers that went back, each at its new revision."""

    service: str
    pointers: tuple[Pointer, ...]


@click.group()
def rollout() -> None:
    """A service's rollout: pause it, let it go on, send it back, watch it."""


@rollout.command()
@_service
@click.option(
    "--for",
    "seconds",
    type=DurationType(),
    default=None,
    help="How long: 90s, 10m, 2h, 7d; else until resumed.",
)
@_reason
@campaign_option
@json_option
def pause(service: str, *, seconds: float | None, reason: str, campaign: str, as_json: bool) -> None:
    """Replace nothing of SERVICE but what crashes, for a time or until resumed."""
    with errors_explained(as_json=as_json):
        hold = open_wiring(campaign).rollouts(who_asks()).pause(service, reason=reason, seconds=seconds)
        show(hold, as_json=as_json, for_people=lambda: _tell_pause(hold))


@rollout.command()
@_service
@click.option("--reason", default="resumed", help="Why, for the journal.")
@campaign_option
@json_option
def resume(service: str, *, reason: str, campaign: str, as_json: bool) -> None:
    """Let SERVICE's rollouts go on."""
    with errors_explained(as_json=as_json):
        hold = open_wiring(campaign).rollouts(who_asks()).resume(service, reason=reason)
        show(hold, as_json=as_json, for_people=lambda: _tell_resume(hold))


@rollout.command()
@_service
@_reason
@campaign_option
@json_option
def abort(service: str, *, reason: str, campaign: str, as_json: bool) -> None:
    """Send SERVICE's image and templates back to what the whole fleet last ran; the trial is taken away."""
    with errors_explained(as_json=as_json):
        moved = open_wiring(campaign).rollouts(who_asks()).abort(service, reason=reason)
        report = AbortReport(service=service, pointers=moved)
        show(report, as_json=as_json, for_people=lambda: _tell_abort(report))


@rollout.command()
@_service
@click.option("--wait", "seconds", default=600.0, show_default=True, help="How long to watch.")
@campaign_option
@json_option
def watch(service: str, *, seconds: float, campaign: str, as_json: bool) -> None:
    """Show SERVICE's fleet while it is replaced, until it has settled; exit with 1 unless it has."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        with watching(lambda: (_read(wiring, service),), is_quiet=as_json):
            fleet = _wait(wiring, service, seconds)
        show(fleet, as_json=as_json, for_people=lambda: out.print(draw_fleet(fleet)))
        if fleet.stage != Stage.SETTLED:
            sys.exit(1)


def _wait(wiring: Wiring, service: str, seconds: float) -> FleetRow:
    """Return the fleet once it rests, or as it is when the time is over."""
    deadline = wiring.clock.monotonic() + seconds
    while (fleet := _read(wiring, service)).stage not in _AT_REST and wiring.clock.monotonic() < deadline:
        wiring.clock.sleep(_LOOK_SECONDS)
    return fleet


def _read(wiring: Wiring, service: str) -> FleetRow:
    found = next((fleet for fleet in read_fleets(wiring.catalog) if fleet.service == service), None)
    if found is None:
        raise RefusedError(f"service {service} has no fleet", hint="`handshake status` shows every service.")
    return found


def _tell_pause(hold: Hold) -> None:
    until = f"until {print_moment(hold.until)}" if hold.until is not None else "until resumed"
    out.print(f"{hold.service}: [yellow]paused[/] {until}; what crashes is still replaced")


def _tell_resume(hold: Hold) -> None:
    out.print(f"{hold.service}: [green]goes on[/]; it was paused by {hold.owner} ", end="")
    out.print(f"since {print_moment(hold.since)}: {hold.reason}", markup=False, soft_wrap=True)


def _tell_abort(report: AbortReport) -> None:
    for pointer in report.pointers:
        out.print(f"{pointer.subject} -> {short(pointer.release)} revision {pointer.revision}: went back")
