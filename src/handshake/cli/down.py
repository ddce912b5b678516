"""`handshake down`: stops a campaign; its data stays unless it is purged."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import click

from handshake.cli.screen import campaign_option, errors_explained, json_option, out, progress, show
from handshake.control.house import find_house
from handshake.core.clock import SystemClock
from handshake.core.tree import remove_tree
from handshake.wiring.campaign import Wiring


@dataclass(frozen=True, kw_only=True)
class DownReport:
    """What `down` stopped."""

    campaign: str
    stopped: tuple[str, ...]
    is_purged: bool


@click.command()
@campaign_option
@click.option("--purge", is_flag=True, help="Delete the campaign's data too: releases, donations, secrets.")
@click.option("--yes", is_flag=True, help="Do not ask before data is deleted.")
@json_option
def down(*, campaign: str, purge: bool, yes: bool, as_json: bool) -> None:
    """Stop a campaign: doors first, stores last. Data stays, unless --purge."""
    with errors_explained(as_json=as_json):
        house = find_house(campaign)
        if purge and not yes:
            click.confirm(f"Delete all data of {house.name} in {house.data}?", abort=True)
        stopped: list[str] = []
        with progress(is_quiet=as_json) as bars:
            task = bars.add_task("stopping", total=None)

            def tell(name: str) -> None:
                stopped.append(name)
                bars.update(task, description=f"stopping {name}")

            Wiring(house, SystemClock()).lifecycle().stop(tell)
        shutil.rmtree(house.run)
        if purge:
            remove_tree(house.data)
        report = DownReport(campaign=house.name, stopped=tuple(stopped), is_purged=purge)
        kept = "its data is deleted" if purge else f"its data stays in {house.data}"
        show(
            report,
            as_json=as_json,
            for_people=lambda: out.print(f"{house.name} is down ({len(stopped)} stopped); {kept}."),
        )
