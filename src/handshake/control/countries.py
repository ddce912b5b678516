"""The map of countries: built once from the country data, and again only when that changes."""

from __future__ import annotations

from pathlib import Path

from handshake.control.house import House
from handshake.core.digest import digest_bytes, short
from handshake.edge.countries import parse_ranges, print_countries

_FILES = ("geoip", "geoip6")


def build_countries(house: House, folder: str) -> Path:
    """Return a map's file, built from the country data in a folder unless it is there; empty without data.

    Takes seconds and a hundred megabytes the first time, so `up` does it before the agent needs it.
    """
    sources = _sources(house, folder)
    built = house.cache / f"countries-{_version(sources)}.map"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        draft = built.with_suffix(".draft")
        with draft.open("w", encoding="ascii") as file:
            for source in sources:
                with source.open(encoding="ascii") as lines:
                    file.write(print_countries(parse_ranges(lines)))
        draft.replace(built)
    return built


def _sources(house: House, folder: str) -> tuple[Path, ...]:
    if not folder:
        return ()
    return tuple(file for name in _FILES if (file := house.folder / folder / name).is_file())


def _version(sources: tuple[Path, ...]) -> str:
    """Name the sources by size and time: reading 25 MB for a digest at every start would be felt."""
    stats = [(str(file), file.stat().st_size, int(file.stat().st_mtime)) for file in sources]
    return short(digest_bytes(repr(stats).encode()))
