"""`handshake promote`: moves a pointer to a release."""

from __future__ import annotations

import click

from handshake.cli.arriving import wait_and_tell
from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_release, complete_subject
from handshake.cli.screen import campaign_option, errors_explained, json_option
from handshake.cli.session import find_release, open_wiring, read_subject


@click.command()
@click.argument("subject", shell_complete=complete_subject)
@click.argument("release", shell_complete=complete_release)
@click.option("--reason", default="promoted", help="Why, for the history.")
@click.option(
    "--from-revision", default=None, type=int, help="Only if the pointer is still at this revision."
)
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Promote what was not shaken, or inside a freeze, all the same; why, for the journal.",
)
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def promote(
    subject: str,
    release: str,
    *,
    reason: str,
    from_revision: int | None,
    forced: str,
    seconds: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Move SUBJECT's pointer to RELEASE (its first digits are enough), and wait until every place serves it."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        operator = wiring.operator(who_asks())
        moved = operator.promote(
            read_subject(subject),
            find_release(release, wiring.releases()),
            reason=reason,
            from_revision=from_revision,
            forced=forced,
        )
        wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)
