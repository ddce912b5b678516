"""`handshake rollback`: moves a pointer back to the release before."""

from __future__ import annotations

import click

from handshake.cli.arriving import wait_and_tell
from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_release, complete_subject
from handshake.cli.screen import campaign_option, errors_explained, json_option
from handshake.cli.session import find_release, open_wiring, read_subject


@click.command()
@click.argument("subject", shell_complete=complete_subject)
@click.option(
    "--to",
    default="",
    shell_complete=complete_release,
    metavar="RELEASE",
    help="Which release; by default the one before.",
)
@click.option("--reason", default="rolled back", help="Why, for the history.")
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def rollback(subject: str, *, to: str, reason: str, seconds: float, campaign: str, as_json: bool) -> None:
    """Move SUBJECT's pointer back, and wait until every place serves the earlier release."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        operator = wiring.operator(who_asks())
        release = find_release(to, wiring.releases()) if to else None
        moved = operator.roll_back(read_subject(subject), reason=reason, to=release)
        wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)
