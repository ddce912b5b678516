"""`handshake key` and `secret`: keys that sign releases, and secrets that instances are given."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click
from rich.markup import escape
from rich.table import Table

from handshake.campaign.secret_rotation import Rotation, SecretRow, revoke_key
from handshake.cli.screen import (
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
    who_asks,
)
from handshake.cli.session import open_campaign
from handshake.release.signature import KeyId
from handshake.release.signing import Keyring, SigningKey

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
        _finish(open_campaign(campaign).signer.make_first(who=who_asks(), reason=reason), as_json=as_json)


@key.command("ls")
@campaign_option
@json_option
def list_keys(*, campaign: str, as_json: bool) -> None:
    """Show every key: what it is good for, who said so last, when, why."""
    with errors_explained(as_json=as_json):
        ring = open_campaign(campaign).campaign.signing_keys.ring()
        print_report(ring, as_json=as_json, for_people=lambda: _tell_keys(ring))


@key.command("rotate")
@_reason
@campaign_option
@json_option
def rotate_key(*, reason: str, campaign: str, as_json: bool) -> None:
    """Let a new key sign from now on; what the old one signed stays good until it is revoked."""
    with errors_explained(as_json=as_json):
        _finish(open_campaign(campaign).signer.rotate(who=who_asks(), reason=reason), as_json=as_json)


@key.command("revoke")
@click.argument("key_id", metavar="KEY")
@_reason
@click.option("--even-live", is_flag=True, help="Even if a live image could not be launched any more.")
@campaign_option
@json_option
def revoke(key_id: str, *, reason: str, even_live: bool, campaign: str, as_json: bool) -> None:
    """Believe nothing that KEY signed, for good."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        revoked = revoke_key(
            KeyId(key_id),
            signer=parts.signer,
            signature_verifier=parts.campaign.signature_verifier,
            read_pointers=parts.live_data.pointers.all,
            who=who_asks(),
            reason=f"{reason} (even where it signed what is live)" if even_live else reason,
            even_live=even_live,
        )
        _finish(revoked, as_json=as_json)


def _finish(changed: SigningKey, *, as_json: bool) -> None:
    print_report(
        changed, as_json=as_json, for_people=lambda: out.print(f"key {changed.id} is {changed.state}")
    )


def _tell_keys(ring: Keyring) -> None:
    table = Table("key", "state", "since", "by", "reason", box=None)
    for its in ring.keys:
        since = datetime.fromtimestamp(its.changed_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        table.add_row(its.id, its.state, since, its.changed_by, escape(its.reason))
    out.print(table)


# `handshake secret`: the secrets that instances are given.


@click.group()
def secret() -> None:
    """Secrets that instances are given: each store's password. What they say is never shown."""


@secret.command("ls")
@campaign_option
@json_option
def list_secrets(*, campaign: str, as_json: bool) -> None:
    """Show every secret that may be set: how old it is, and which services are given it."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        rows, now = parts.rotator(who_asks()).rows(), parts.clock.now()
        print_report(rows, as_json=as_json, for_people=lambda: _tell_rows(rows, now))


@secret.command("set")
@click.argument("name")
@click.option("--reason", required=True, help="Why, for the journal.")
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long replacing may take.")
@campaign_option
@json_option
def set_secret(*, name: str, reason: str, seconds: float, campaign: str, as_json: bool) -> None:
    """Replace NAME by what is read from standard input, and every instance that is given it.

    The store knows both until all are replaced; the old one opens nothing after that. Where instances cannot
    work with the new one, or it takes too long, the old one stands again.
    """
    with errors_explained(as_json=as_json):
        value = sys.stdin.read().removesuffix("\n")
        rotator = open_campaign(campaign).rotator(who_asks())
        with progress(is_quiet=as_json) as bars:
            bars.add_task(f"replacing who is given {name}", total=None)
            done = rotator.rotate(name, value, reason=reason, seconds=seconds)
        print_report(done, as_json=as_json, for_people=lambda: _tell(done))


def _tell(done: Rotation) -> None:
    replaced = ", ".join(done.replaced) or "nobody is given it"
    out.print(f"{done.name} is another after {done.seconds:.1f} s; replaced: {replaced}", markup=False)


def _tell_rows(rows: tuple[SecretRow, ...], now: float) -> None:
    table = Table("secret", "age", "given to", box=None)
    for row in rows:
        age = timedelta(seconds=round(now - row.written_at))
        table.add_row(row.name, str(age), ", ".join(row.given_to))
    out.print(table)
