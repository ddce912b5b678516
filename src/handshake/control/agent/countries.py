"""The door's map of countries, put where the door looks for it."""

from __future__ import annotations

from handshake.control.countries import build_countries
from handshake.control.house import House
from handshake.control.live import LivePolicy
from handshake.edge.door.maps import COUNTRIES


def prepare_countries(house: House, live: LivePolicy) -> None:
    """Make sure that the map lies where the door looks for it; without country data it is empty."""
    built = build_countries(house, live.policy.campaign.countries)
    target = house.state("door") / "maps" / COUNTRIES
    mark = target.with_name(f"{built.name}.used")
    if mark.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".draft")
    draft.write_bytes(built.read_bytes())
    draft.replace(target)
    mark.touch()
