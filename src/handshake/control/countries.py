"""The maps of countries and of networks: built once from their data, and again only when that changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from handshake.control.house import House
from handshake.control.mmdb import read_countries, read_networks
from handshake.core.atomic_file import replacing
from handshake.core.digest import digest_bytes, short
from handshake.edge.countries import parse_ranges, print_countries

_RANGES = ("geoip", "geoip6")
_MMDB = ".mmdb"


def build_countries(house: House, source: str) -> Path:
    """Return the map of countries, built from a folder of ranges or a MaxMind-format file; empty without data.

    Takes seconds and a hundred megabytes the first time, so `up` does it before the agent needs it.
    """
    return _build(house, "countries", _find_countries(house.folder, source), _print_source)


def build_networks(house: House, source: str) -> Path:
    """Return the map of networks' numbers, built from a MaxMind-format file; empty without data."""
    files = (house.folder / source,) if source and (house.folder / source).is_file() else ()
    return _build(house, "networks", files, read_networks)


def _find_countries(folder: Path, source: str) -> tuple[Path, ...]:
    if not source:
        return ()
    if source.endswith(_MMDB):
        return (folder / source,) if (folder / source).is_file() else ()
    return tuple(file for name in _RANGES if (file := folder / source / name).is_file())


def _print_source(source: Path) -> Iterable[str]:
    if source.suffix == _MMDB:
        return (print_countries(read_countries(source)),)
    with source.open(encoding="ascii") as lines:
        return (print_countries(parse_ranges(lines)),)


def _build(
    house: House, name: str, sources: tuple[Path, ...], print_source: Callable[[Path], Iterable[str]]
) -> Path:
    built = house.cache / f"{name}-{_version(sources)}.map"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with replacing(built) as draft:
            for source in sources:
                draft.writelines(text.encode("ascii") for text in print_source(source))
    return built


def _version(sources: tuple[Path, ...]) -> str:
    """Name the sources by size and time: reading 25 MB for a digest at every start would be felt."""
    stats = [(str(file), file.stat().st_size, int(file.stat().st_mtime)) for file in sources]
    return short(digest_bytes(repr(stats).encode()))
