"""The door's maps of countries and networks, put where the door looks for them."""

from __future__ import annotations

from pathlib import Path

from handshake.control.countries import build_countries, build_networks
from handshake.control.house import House
from handshake.control.live import LivePolicy
from handshake.core.atomic_file import write_atomically
from handshake.edge.door.maps import COUNTRIES, NETWORKS


def prepare_countries(house: House, live: LivePolicy) -> None:
    """Make sure that the maps lie where the door looks for them; without data they are empty."""
    campaign = live.policy.campaign
    maps = house.state("door") / "maps"
    _place(build_countries(house, campaign.countries), maps / COUNTRIES)
    _place(build_networks(house, campaign.networks), maps / NETWORKS)


def _place(built: Path, target: Path) -> None:
    mark = target.with_name(f"{built.name}.used")
    if mark.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, built.read_bytes())
    mark.touch()
