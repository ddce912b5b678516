"""`handshake secret`: the secrets that instances are given."""

from __future__ import annotations

import sys
from datetime import timedelta

import click
from rich.table import Table

from handshake.cli.asking import who_asks
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, progress, show
from handshake.cli.session import open_wiring
from handshake.control.rotating import Rotation, SecretRow


@click.group()
def secret() -> None:
    """Secrets that instances are given: each store's password. What they say is never shown."""


@secret.command("ls")
@campaign_option
@json_option
def list_secrets(*, campaign: str, as_json: bool) -> None:
    """Show every secret that may be set: how old it is, and which services are given it."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        rows, now = wiring.rotator(who_asks()).rows(), wiring.clock.now()
        show(rows, as_json=as_json, for_people=lambda: _tell_rows(rows, now))


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
        rotator = open_wiring(campaign).rotator(who_asks())
        with progress(is_quiet=as_json) as bars:
            bars.add_task(f"replacing who is given {name}", total=None)
            done = rotator.rotate(name, value, reason=reason, seconds=seconds)
        show(done, as_json=as_json, for_people=lambda: _tell(done))


def _tell(done: Rotation) -> None:
    replaced = ", ".join(done.replaced) or "nobody is given it"
    out.print(f"{done.name} is another after {done.seconds:.1f} s; replaced: {replaced}", markup=False)


def _tell_rows(rows: tuple[SecretRow, ...], now: float) -> None:
    table = Table("secret", "age", "given to", box=None)
    for row in rows:
        age = timedelta(seconds=round(now - row.written_at))
        table.add_row(row.name, str(age), ", ".join(row.given_to))
    out.print(table)
