"""The door's map of countries: built once from the country data, and again only when that changes."""

from __future__ import annotations

from pathlib import Path

from handshake.control.house import House
from handshake.control.live import LivePolicy
from handshake.core.digest import digest_bytes, short
from handshake.edge.countries import parse_ranges, print_countries
from handshake.edge.door.maps import COUNTRIES

_FILES = ("geoip", "geoip6")


def prepare_countries(house: House, live: LivePolicy) -> None:
    """Make sure that the map lies where the door looks for it; without country data it is empty."""
    target = house.state("door") / "maps" / COUNTRIES
    sources = _sources(house, live.policy.campaign.countries)
    mark = target.with_suffix(f".{_version(sources)}")
    if mark.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    built = house.cache / f"countries-{_version(sources)}.map"
    if not built.exists():
        _build(sources, built)
    draft = target.with_suffix(".draft")
    draft.write_bytes(built.read_bytes())
    draft.replace(target)
    mark.touch()


def _sources(house: House, folder: str) -> tuple[Path, ...]:
    if not folder:
        return ()
    return tuple(file for name in _FILES if (file := house.folder / folder / name).is_file())


def _version(sources: tuple[Path, ...]) -> str:
    """Name the sources by size and time: reading 25 MB for a digest at every start would be felt."""
    stats = [(str(file), file.stat().st_size, int(file.stat().st_mtime)) for file in sources]
    return short(digest_bytes(repr(stats).encode()))


def _build(sources: tuple[Path, ...], built: Path) -> None:
    built.parent.mkdir(parents=True, exist_ok=True)
    draft = built.with_suffix(".draft")
    with draft.open("w", encoding="ascii") as file:
        for source in sources:
            with source.open(encoding="ascii") as lines:
                file.write(print_countries(parse_ranges(lines)))
    draft.replace(built)
