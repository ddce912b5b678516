"""Country data: ranges of addresses, as Debian's tor-geoipdb has them -> the door's map of networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from handshake.edge.prefix_cover import Prefix, cover
from handshake.edge.variables import UNKNOWN_COUNTRY

_UNKNOWN = "??"


@dataclass(frozen=True, kw_only=True)
class Family:
    """IPv4 or IPv6."""

    number: int
    bits: int


IPV4 = Family(number=AF_INET, bits=32)
IPV6 = Family(number=AF_INET6, bits=128)


@dataclass(frozen=True, kw_only=True)
class CountryRange:
    """Neighbouring addresses of one country."""

    family: Family
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
    """Return the map's text: one network and its country a line, the longest match counts.

    Of each family, the ranges must be in order and must not overlap; ValueError where they do.
    """
    every = list(ranges)
    return "".join(
        _print_family([each for each in every if each.family is family], family) for family in (IPV4, IPV6)
    )


def _parse_range(first: str, last: str, country: str) -> CountryRange:
    if ":" in first:
        return CountryRange(family=IPV6, first=_parse_ipv6(first), last=_parse_ipv6(last), country=country)
    return CountryRange(family=IPV4, first=int(first), last=int(last), country=country)


def _parse_ipv6(text: str) -> int:
    try:
        return int.from_bytes(inet_pton(AF_INET6, text))
    except OSError as error:
        raise ValueError(f"{text!r} is no IPv6 address") from error


def _print_family(ranges: list[CountryRange], family: Family) -> str:
    countries = [UNKNOWN_COUNTRY, *sorted({each.country for each in ranges})]
    numbers = {country: number for number, country in enumerate(countries)}
    runs = _fill_gaps(ranges, numbers, 1 << family.bits)
    starts = list(runs)
    return "".join(
        f"{_print_network(prefix, family)} {countries[prefix.label]}\n"
        for prefix in cover(starts, [runs[start] for start in starts], bits=family.bits)
    )


def _fill_gaps(ranges: list[CountryRange], numbers: dict[str, int], end: int) -> dict[int, int]:
    """Return first address -> number of the country, in order, with a run of the unknown wherever there is a gap."""
    runs = {0: 0}
    begin = 0
    for each in ranges:
        if not begin <= each.first <= each.last < end:
            raise ValueError(f"the range from {each.first} to {each.last} overlaps another, or is none")
        runs[begin] = 0
        runs[each.first] = numbers[each.country]
        begin = each.last + 1
    return runs if begin == end else runs | {begin: 0}


def _print_network(prefix: Prefix, family: Family) -> str:
    # Half a million lines: with the ipaddress module, this would take most of the time.
    address = inet_ntop(family.number, prefix.first.to_bytes(family.bits // 8))
    return f"{address}/{family.bits - prefix.free_bits}"
