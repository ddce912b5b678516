"""Country data: ranges of addresses, as Debian's tor-geoipdb has them -> the door's map of networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_UNKNOWN = "??"
_BITS = {4: 32, 6: 128}
_FAMILIES = {4: AF_INET, 6: AF_INET6}


@dataclass(frozen=True, kw_only=True)
class CountryRange:
    """Neighbouring addresses of one country."""

    version: int
    """4 or 6."""
    first: int
    last: int
    country: str
    """Two capital letters."""


def parse_ranges(lines: Iterable[str]) -> Iterator[CountryRange]:
    """Yield the ranges of a file: `first,last,CC`, as numbers for IPv4 and as addresses for IPv6.

    Ranges whose country the data does not know are left out. ValueError for a line that says anything else.
    """
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        first, last, country = line.strip().split(",")
        if country != _UNKNOWN:
            yield _parse_range(first, last, country)


def print_countries(ranges: Iterable[CountryRange]) -> str:
    """Return the map's text: one network and its country a line; the ranges must be in order."""
    return "".join(
        f"{network} {joined.country}\n" for joined in join_neighbours(ranges) for network in _split(joined)
    )


def join_neighbours(ranges: Iterable[CountryRange]) -> Iterator[CountryRange]:
    """Yield the ranges with those joined that touch and are of one country."""
    for (version, country), group in groupby(ranges, key=lambda each: (each.version, each.country)):
        first, last = -1, -1
        for each in group:
            if first >= 0 and each.first != last + 1:
                yield CountryRange(version=version, first=first, last=last, country=country)
                first = each.first
            first = each.first if first < 0 else first
            last = each.last
        yield CountryRange(version=version, first=first, last=last, country=country)


def _parse_range(first: str, last: str, country: str) -> CountryRange:
    if ":" in first:
        return CountryRange(version=6, first=_parse_ipv6(first), last=_parse_ipv6(last), country=country)
    return CountryRange(version=4, first=int(first), last=int(last), country=country)


def _parse_ipv6(text: str) -> int:
    try:
        return int.from_bytes(inet_pton(AF_INET6, text))
    except OSError as error:
        raise ValueError(f"{text!r} is no IPv6 address") from error


def _split(joined: CountryRange) -> Iterator[str]:
    """Yield the fewest networks that cover the range exactly."""
    bits = _BITS[joined.version]
    address = joined.first
    while address <= joined.last:
        # The largest block that may begin here, and that still fits.
        aligned = (address & -address).bit_length() - 1 if address else bits
        fitting = (joined.last - address + 1).bit_length() - 1
        size = min(aligned, fitting)
        yield f"{_print_address(joined.version, address)}/{bits - size}"
        address += 1 << size


def _print_address(version: int, address: int) -> str:
    # A million lines: with the ipaddress module, this would take most of the time.
    return inet_ntop(_FAMILIES[version], address.to_bytes(_BITS[version] // 8))
