"""`handshake key` and `handshake secret`: the keys that sign releases, and the secrets that instances receive."""

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

_reason = click.option("--reason", required=True, help="The reason, for the journal.")


@click.group()
def key() -> None:
    """Manage the keys that sign releases. A node launches an image only if a known key signed it."""


@key.command("make")
@click.option("--reason", default="made", help="The reason, for the journal.")
@campaign_option
@json_option
def make_key(*, reason: str, campaign: str, as_json: bool) -> None:
    """Create a signing key when none exists, after the last one was revoked. `handshake up` creates the first."""
    with errors_explained(as_json=as_json):
        _finish(open_campaign(campaign).signer.make_first(who=who_asks(), reason=reason), as_json=as_json)


@key.command("ls")
@campaign_option
@json_option
def list_keys(*, campaign: str, as_json: bool) -> None:
    """List every key: its state, and who changed it last, when and why."""
    with errors_explained(as_json=as_json):
        ring = open_campaign(campaign).campaign.signing_keys.ring()
        print_report(ring, as_json=as_json, for_people=lambda: _print_keys(ring))


@key.command("rotate")
@_reason
@campaign_option
@json_option
def rotate_key(*, reason: str, campaign: str, as_json: bool) -> None:
    """Sign with a new key from now on. Signatures of the old key stay valid until it is revoked."""
    with errors_explained(as_json=as_json):
        _finish(open_campaign(campaign).signer.rotate(who=who_asks(), reason=reason), as_json=as_json)


@key.command("revoke")
@click.argument("key_id", metavar="KEY")
@_reason
@click.option(
    "--even-live", is_flag=True, help="Revoke even if a live image could then no longer be launched."
)
@campaign_option
@json_option
def revoke(key_id: str, *, reason: str, even_live: bool, campaign: str, as_json: bool) -> None:
    """Revoke KEY for good: no signature of it is accepted any more."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        revoked = revoke_key(
            KeyId(key_id),
            signer=parts.signer,
            signature_verifier=parts.campaign.signature_verifier,
            read_pointers=parts.live_data.pointers.all,
            who=who_asks(),
            reason=f"{reason} (even though it signed live releases)" if even_live else reason,
            even_live=even_live,
        )
        _finish(revoked, as_json=as_json)


def _finish(changed: SigningKey, *, as_json: bool) -> None:
    print_report(
        changed, as_json=as_json, for_people=lambda: out.print(f"key {changed.id} is {changed.state}")
    )


def _print_keys(ring: Keyring) -> None:
    table = Table("key", "state", "since", "by", "reason", box=None)
    for its in ring.keys:
        since = datetime.fromtimestamp(its.changed_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        table.add_row(its.id, its.state, since, its.changed_by, escape(its.reason))
    out.print(table)


# `handshake secret`: the secrets that instances receive.


@click.group()
def secret() -> None:
    """Manage the secrets that instances receive: each store's password. Values are never shown."""


@secret.command("ls")
@campaign_option
@json_option
def list_secrets(*, campaign: str, as_json: bool) -> None:
    """List every secret that can be rotated: its age and the services that receive it."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        rows, now = parts.rotator(who_asks()).rows(), parts.clock.now()
        print_report(rows, as_json=as_json, for_people=lambda: _print_rows(rows, now))


@secret.command("set")
@click.argument("name")
@click.option("--reason", required=True, help="The reason, for the journal.")
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long the rotation may take.")
@campaign_option
@json_option
def set_secret(*, name: str, reason: str, seconds: float, campaign: str, as_json: bool) -> None:
    """Rotate secret NAME to the value on standard input, and replace every instance that receives it.

    The store accepts both values until all instances are replaced, then only the new one. If instances fail with
    the new value, or the time runs out, the old value is restored.
    """
    with errors_explained(as_json=as_json):
        value = sys.stdin.read().removesuffix("\n")
        rotator = open_campaign(campaign).rotator(who_asks())
        with progress(is_quiet=as_json) as bars:
            bars.add_task(f"replacing the instances that receive {name}", total=None)
            done = rotator.rotate(name, value, reason=reason, seconds=seconds)
        print_report(done, as_json=as_json, for_people=lambda: _print(done))


def _print(done: Rotation) -> None:
    replaced = ", ".join(done.replaced) or "no service receives it"
    out.print(f"{done.name} was rotated in {done.seconds:.1f} s; replaced: {replaced}", markup=False)


def _print_rows(rows: tuple[SecretRow, ...], now: float) -> None:
    table = Table("secret", "age", "given to", box=None)
    for row in rows:
        age = timedelta(seconds=round(now - row.written_at))
        table.add_row(row.name, str(age), ", ".join(row.given_to))
    out.print(table)
