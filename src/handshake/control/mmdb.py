"""Files in MaxMind's format: GeoLite2, GeoIP2, ip-location-db and whoever else writes it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import maxminddb

from handshake.edge.countries import IPV4, IPV6, CountryRange
from handshake.edge.network import print_network


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
    """Return why a file is none of these; empty where it is one."""
    try:
        maxminddb.open_database(file).close()
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    except maxminddb.InvalidDatabaseError:
        return f"{file} is no file in MaxMind's format"
    return ""


def _read(file: Path) -> Iterator[tuple[IPv4Network | IPv6Network, dict[str, Any]]]:
    try:
        with maxminddb.open_database(file) as reader:
            for network, record in reader:
                if isinstance(record, dict):
                    yield network, record
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(f"{file} is no file in MaxMind's format: {error}") from error


def _find_country(record: dict[str, Any]) -> str:
    """Return the code, wherever the file's author has put it; the country of registration where there is no other."""
    for name in ("country", "registered_country"):
        its = record.get(name)
        if isinstance(its, dict) and its.get("iso_code"):
            return str(its["iso_code"])
    code = record.get("country_code") or record.get("country")
    return code if isinstance(code, str) else ""
