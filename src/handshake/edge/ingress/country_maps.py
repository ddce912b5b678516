"""The map files of countries and networks: built from their data, installed, and looked up."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import maxminddb

from handshake.core.atomic_file import replacing, write_atomically
from handshake.core.digest import digest_bytes, short
from handshake.edge.ingress.compile.maps import COUNTRIES, NETWORKS
from handshake.edge.ingress.country_ranges import IPV4, IPV6, CountryRange, parse_ranges, print_countries
from handshake.edge.policy.networks import Network, print_network
from handshake.release.node_paths import NodePaths


def prepare_countries(paths: NodePaths, countries: str, networks: str) -> None:
    """Make sure that the maps lie where the ingress looks for them; without data they are empty."""
    maps = paths.state("ingress") / "maps"
    _place(build_countries(paths, countries), maps / COUNTRIES)
    _place(build_networks(paths, networks), maps / NETWORKS)


def _place(built: Path, target: Path) -> None:
    mark = target.with_name(f"{built.name}.used")
    if mark.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, built.read_bytes())
    mark.touch()


# The maps of countries and of networks: built once from their data, and again only when that changes.

_RANGES = ("geoip", "geoip6")
_MMDB = ".mmdb"


def build_countries(paths: NodePaths, source: str) -> Path:
    """Return the map of countries, built from a folder of ranges or a MaxMind-format file; empty without data.

    Takes seconds and a hundred megabytes the first time, so `up` does it before the agent needs it.
    """
    return _build(paths, "countries", _find_countries(paths.folder, source), _print_source)


def build_networks(paths: NodePaths, source: str) -> Path:
    """Return the map of networks' numbers, built from a MaxMind-format file; empty without data."""
    files = (paths.folder / source,) if source and (paths.folder / source).is_file() else ()
    return _build(paths, "networks", files, read_networks)


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
    paths: NodePaths, name: str, sources: tuple[Path, ...], print_source: Callable[[Path], Iterable[str]]
) -> Path:
    built = paths.cache / f"{name}-{_version(sources)}.map"
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


# Files in MaxMind's format: GeoLite2, GeoIP2, ip-location-db and whoever else writes it.


def read_countries(file: Path) -> Iterator[CountryRange]:
    """Yield the ranges of a file of countries; where it names none, they are left out. ValueError: it is no such file."""
    for network, record in _read(file):
        if country := _find_country(record):
            yield CountryRange(
                family=IPV4 if network.version == 4 else IPV6,  # noqa: PLR2004 -- IPv4
                first=int(network.network_address),
                last=int(network.broadcast_address),
                country=country,
            )


def read_networks(file: Path) -> Iterator[str]:
    """Yield the lines of a map from networks to the numbers of their autonomous systems. ValueError as above."""
    for network, record in _read(file):
        number = record.get("autonomous_system_number") or record.get("asn")
        if number and str(number).isdigit():
            yield f"{print_network(network)} {number}\n"


def find_mmdb_fault(file: Path) -> str:
    """Return why a file is none of these; empty if it is one."""
    try:
        maxminddb.open_database(file).close()
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    except maxminddb.InvalidDatabaseError:
        return f"{file} is not a file in MaxMind's format"
    return ""


def _read(file: Path) -> Iterator[tuple[IPv4Network | IPv6Network, dict[str, Any]]]:
    try:
        with maxminddb.open_database(file) as reader:
            for network, record in reader:
                if isinstance(record, dict):
                    yield network, record
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(f"{file} is not a file in MaxMind's format: {error}") from error


def _find_country(record: dict[str, Any]) -> str:
    """Return the code, wherever the file's author has put it; the country of registration where there is no other."""
    for name in ("country", "registered_country"):
        its = record.get(name)
        if isinstance(its, dict) and its.get("iso_code"):
            return str(its["iso_code"])
    code = record.get("country_code") or record.get("country")
    return code if isinstance(code, str) else ""


# One address, looked up in a map of the ingress: the longest network that holds it counts, as for the ingress itself.


def look_up(file: Path, client: str) -> str:
    """Return the value of the longest network that holds an address; empty if there is none, and without a file."""
    if not file.is_file() or not file.stat().st_size:
        return ""
    network = ip_network(client)
    with file.open("rb") as source, mmap.mmap(source.fileno(), 0, prot=mmap.PROT_READ) as text:
        for bits in range(network.max_prefixlen, -1, -1):
            if found := _find(text, network.supernet(new_prefix=bits)):
                return found
    return ""


def _find(text: mmap.mmap, network: Network) -> str:
    for key in dict.fromkeys((str(network), print_network(network))):
        wanted = f"{key} ".encode()
        begin = 0 if text[: len(wanted)] == wanted else text.find(b"\n" + wanted) + 1
        if begin or text[: len(wanted)] == wanted:
            end = text.find(b"\n", begin)
            return text[begin : end if end >= 0 else len(text)].decode().split()[1]
    return ""
