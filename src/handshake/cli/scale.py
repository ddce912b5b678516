"""`handshake scale`: says how many instances a service shall have."""

from __future__ import annotations

import click

from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_service
from handshake.cli.durations import DurationType
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring
from handshake.fleet.scaling import AUTOSCALER, Scale
from handshake.fleet.wording import print_moment

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
    help="How long the number wins over the autoscaler's: 90s, 10m, 2h, 7d; else for good.",
)
@click.option("--reason", required=True, help="Why, for the journal.")
@campaign_option
@json_option
def scale(
    service: str, count: int | None, *, seconds: float | None, reason: str, campaign: str, as_json: bool
) -> None:
    """Run COUNT instances of SERVICE, or with `auto` as many as its load asks for again."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        policy = wiring.operator(who_asks()).live().policy.campaign
        scales = wiring.scales(who_asks())
        if count is None:
            said = scales.release(policy, service, reason=reason)
        else:
            said = scales.hold(policy, service, count, reason=reason, seconds=seconds)
        show(said, as_json=as_json, for_people=lambda: _tell(said))


def _tell(said: Scale) -> None:
    if said.owner == AUTOSCALER:
        out.print(f"{said.service}: the autoscaler decides again, from {said.wanted} instances on")
        return
    until = f"until {print_moment(said.until)}" if said.until is not None else "for good"
    out.print(f"{said.service}: {said.wanted} instances {until}")
