"""Country data: turns ranges of addresses into the fewest networks that cover them, as the ingress reads them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import TypeAlias

from handshake.edge.policy.variables import UNKNOWN_COUNTRY

# The fewest networks that say of every address what a row of ranges says, where the longest match counts.
#
# After Draves, King, Venkatachary and Zill, "Constructing Optimal IP Routing Tables" (INFOCOM 1999).

_TOP_BITS = 8
"""The address space is processed in 256 parts, so that only one part's tree is in memory."""

Candidates: TypeAlias = int
"""A set of labels as bits: a million Python sets would be slow."""
Tree: TypeAlias = "Candidates | tuple[Candidates, Tree, Tree]"
"""A block of addresses: of one label, or with its two halves and the labels that are cheapest for the whole."""


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """A network and what is said of it."""

    first: int
    free_bits: int
    label: int


@dataclass(frozen=True, kw_only=True)
class _Runs:
    """Runs of addresses: where each begins, and its label."""

    starts: Sequence[int]
    candidates: Sequence[Candidates]


def cover(starts: Sequence[int], labels: Sequence[int], *, bits: int) -> Iterator[Prefix]:
    """Yield the networks for runs of addresses that begin at `starts` (the first at 0) and have these labels.

    Label 0 is what holds where no network matches; labels count from there.
    """
    size = bits - _TOP_BITS
    runs = _Runs(starts=starts, candidates=[1 << label for label in labels])
    for first in range(0, 1 << bits, 1 << size):
        begin = bisect_right(starts, first) - 1
        end = bisect_left(starts, first + (1 << size))
        tree = _build(runs, first, size, begin, end)
        yield from _select(tree, first, size, 1)


def _build(runs: _Runs, first: int, free_bits: int, begin: int, end: int) -> Tree:
    if end - begin == 1:
        return runs.candidates[begin]
    half = free_bits - 1
    middle = first + (1 << half)
    cut = bisect_left(runs.starts, middle, begin, end)
    begins_there = cut < end and runs.starts[cut] == middle
    left = _build(runs, first, half, begin, cut)
    right = _build(runs, middle, half, cut if begins_there else cut - 1, end)
    mine, yours = _candidates_of(left), _candidates_of(right)
    return (mine & yours or mine | yours, left, right)


def _select(tree: Tree, first: int, free_bits: int, inherited: Candidates) -> Iterator[Prefix]:
    candidates = _candidates_of(tree)
    if not candidates & inherited:
        inherited = candidates & -candidates
        yield Prefix(first=first, free_bits=free_bits, label=inherited.bit_length() - 1)
    if isinstance(tree, tuple):
        half = free_bits - 1
        yield from _select(tree[1], first, half, inherited)
        yield from _select(tree[2], first + (1 << half), half, inherited)


def _candidates_of(tree: Tree) -> Candidates:
    return tree[0] if isinstance(tree, tuple) else tree


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
        raise ValueError(f"{text!r} is not an IPv6 address") from error


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
            raise ValueError(f"the range from {each.first} to {each.last} overlaps another, or is not valid")
        runs[begin] = 0
        runs[each.first] = numbers[each.country]
        begin = each.last + 1
    return runs if begin == end else runs | {begin: 0}


def _print_network(prefix: Prefix, family: Family) -> str:
    # Half a million lines: with the ipaddress module, this would take most of the time.
    address = inet_ntop(family.number, prefix.first.to_bytes(family.bits // 8))
    return f"{address}/{family.bits - prefix.free_bits}"
