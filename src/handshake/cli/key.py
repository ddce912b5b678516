"""`handshake key`: the keys that sign releases."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.asking import who_asks
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring
from handshake.control.revoking import revoke_key
from handshake.control.signing_keys import Keyring, SigningKey
from handshake.core.signature import KeyId

_reason = click.option("--reason", required=True, help="Why, for the journal.")


@click.group()
def key() -> None:
    """Keys that sign releases: a node launches an image only if a known key signed it."""


@key.command("make")
@click.option("--reason", default="made", help="Why, for the journal.")
@campaign_option
@json_option
def make_key(*, reason: str, campaign: str, as_json: bool) -> None:
    """Make a key where none signs: after the last one was revoked. `handshake up` makes the first."""
    with errors_explained(as_json=as_json):
        _finish(open_wiring(campaign).signer.make_first(who=who_asks(), reason=reason), as_json=as_json)


@key.command("ls")
@campaign_option
@json_option
def list_keys(*, campaign: str, as_json: bool) -> None:
    """Show every key: what it is good for, who said so last, when, why."""
    with errors_explained(as_json=as_json):
        ring = open_wiring(campaign).signing_keys.ring()
        show(ring, as_json=as_json, for_people=lambda: _tell_keys(ring))


@key.command("rotate")
@_reason
@campaign_option
@json_option
def rotate_key(*, reason: str, campaign: str, as_json: bool) -> None:
    """Let a new key sign from now on; what the old one signed stays good until it is revoked."""
    with errors_explained(as_json=as_json):
        _finish(open_wiring(campaign).signer.rotate(who=who_asks(), reason=reason), as_json=as_json)


@key.command("revoke")
@click.argument("key_id", metavar="KEY")
@_reason
@click.option("--even-live", is_flag=True, help="Even if a live image could not be launched any more.")
@campaign_option
@json_option
def revoke(key_id: str, *, reason: str, even_live: bool, campaign: str, as_json: bool) -> None:
    """Believe nothing that KEY signed, for good."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        revoked = revoke_key(
            KeyId(key_id),
            signer=wiring.signer,
            believer=wiring.believer,
            read_pointers=wiring.pointers.all,
            who=who_asks(),
            reason=f"{reason} (even where it signed what is live)" if even_live else reason,
            even_live=even_live,
        )
        _finish(revoked, as_json=as_json)


def _finish(changed: SigningKey, *, as_json: bool) -> None:
    show(changed, as_json=as_json, for_people=lambda: out.print(f"key {changed.id} is {changed.state}"))


def _tell_keys(ring: Keyring) -> None:
    table = Table("key", "state", "since", "by", "reason", box=None)
    for its in ring.keys:
        since = datetime.fromtimestamp(its.changed_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        table.add_row(its.id, its.state, since, its.changed_by, escape(its.reason))
    out.print(table)
