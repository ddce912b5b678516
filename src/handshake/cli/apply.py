"""`handshake apply`: makes a planned policy live."""

from __future__ import annotations

import click

from handshake.cli.arriving import wait_and_tell
from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_release
from handshake.cli.screen import campaign_option, errors_explained, json_option
from handshake.cli.session import find_release, open_wiring


@click.command()
@click.argument("release", shell_complete=complete_release)
@click.option("--from-revision", type=int, required=True, help="The revision that `plan` printed.")
@click.option("--reason", default="applied", help="Why, for the history.")
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Apply a policy of whose cases one fails all the same; why, for the journal.",
)
@click.option("--wait", "seconds", default=60.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def apply(
    release: str,
    *,
    from_revision: int,
    reason: str,
    forced: str,
    seconds: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Make the policy RELEASE live, as `handshake plan` printed it, unless the policy has moved on since.

    Refused while a case of `edge_tests.toml` fails.
    """
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        operator = wiring.operator(who_asks())
        moved = operator.promote(
            wiring.policies.subject,
            find_release(release, wiring.releases()),
            reason=reason,
            from_revision=from_revision,
            forced=forced,
        )
        wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)
