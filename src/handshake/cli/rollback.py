"""`handshake rollback`: moves a pointer back to the release before."""

from __future__ import annotations

import click

from handshake.cli.arriving import move_and_wait
from handshake.cli.screen import campaign_option, errors_explained, json_option
from handshake.cli.session import find_release, open_wiring, read_subject, who_asks
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.pointer import Move, Pointer
from handshake.core.release import Subject
from handshake.wiring import Wiring


@click.command()
@click.argument("subject")
@click.option("--to", default="", metavar="RELEASE", help="Which release; by default the one before.")
@click.option("--reason", default="rolled back", help="Why, for the history.")
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def rollback(subject: str, *, to: str, reason: str, seconds: float, campaign: str, as_json: bool) -> None:
    """Move SUBJECT's pointer back, and wait until every place serves the earlier release."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        wanted = read_subject(subject)
        today = wiring.pointers.get(wanted)
        if today is None:
            raise RefusedError(f"{subject} was never promoted", hint="`handshake status` shows the pointers.")
        release = find_release(to, wiring.releases()) if to else _before(wiring, wanted, today)
        move = Move(
            subject=wanted,
            release=release,
            from_revision=today.revision,
            moved_by=who_asks(),
            reason=reason,
        )
        move_and_wait(wiring, move, seconds=seconds, as_json=as_json)


def _before(wiring: Wiring, subject: Subject, today: Pointer) -> Digest:
    """Return the last other release that was once stable, else the last other one."""
    others = [past for past in wiring.pointers.history(subject) if past.release != today.release]
    if not others:
        raise RefusedError(f"{subject} never had another release", hint="Publish one first.")
    known_good = {past.stable for past in wiring.pointers.history(subject)}
    good = [past for past in others if past.release in known_good]
    return (good or others)[0].release
