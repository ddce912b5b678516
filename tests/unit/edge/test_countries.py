"""Country data: ranges become networks that say the same of every address, the longest match counting."""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.edge.ingress.country_ranges import IPV4, CountryRange, parse_ranges, print_countries

EXCERPT = """# comment
16777216,16777471,AU
16777472,16777727,AU
16777728,16778239,CN
16778240,16778241,??

2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP
"""
SPAN = 512


def look_up(text: str, address: str) -> str:
    """Return a map's value, as HAProxy finds it: that of the longest network."""
    client = ip_address(address)
    entries = [(ip_network(line.split()[0]), line.split()[1]) for line in text.splitlines()]
    found = [(network.prefixlen, country) for network, country in entries if client in network]
    return max(found, default=(0, "unknown"))[1]


def test_excerpt() -> None:
    """Exceptions stand inside of larger networks, what is unknown stays so, both families are read."""
    text = print_countries(parse_ranges(EXCERPT.splitlines()))
    assert text == "1.0.0.0/22 AU\n1.0.2.0/23 CN\n2001:200::/32 JP\n"


def test_exceptions_are_cheaper_than_pieces() -> None:
    """A hole in a country's network is one more line, not a network for each piece around it."""
    text = print_countries(parse_ranges(["0,6,US", "7,7,DE", "8,15,US"]))
    assert text == "0.0.0.0/28 US\n0.0.0.7/32 DE\n"


@given(
    st.lists(
        st.tuples(st.integers(0, SPAN), st.sampled_from(["US", "DE", "unknown"])), min_size=1, max_size=12
    )
)
def test_every_address_keeps_its_country(cuts: list[tuple[int, str]]) -> None:
    """Whatever the ranges and the gaps between them, each address is of the country that its range names."""
    starts = sorted(dict(cuts).items())
    ends = [start for start, _ in starts[1:]] + [SPAN + 1]
    ranges = [
        CountryRange(family=IPV4, first=first, last=end - 1, country=country)
        for (first, country), end in zip(starts, ends, strict=True)
        if country != "unknown"
    ]
    text = print_countries(ranges)
    for number in range(0, SPAN + 8, 7):
        before = bisect_right([start for start, _ in starts], number) - 1
        expected = starts[before][1] if before >= 0 and number <= SPAN else "unknown"
        assert look_up(text, str(IPv4Address(number))) == expected


def test_last_address() -> None:
    """A range may end with the last address there is."""
    text = print_countries(parse_ranges([f"{2**32 - 2},{2**32 - 1},US"]))
    assert text == "255.255.255.254/31 US\n"


@pytest.mark.parametrize("line", ["1,2", "a,b,US", "2001:zz::,2001::,US"])
def test_unreadable_line(line: str) -> None:
    """A line that is no range is an error, not a hole in the map."""
    with pytest.raises(ValueError):
        list(parse_ranges([line]))


def test_overlapping_ranges() -> None:
    """Ranges that overlap are an error: one of them would be lost in silence."""
    with pytest.raises(ValueError, match="overlaps"):
        print_countries(parse_ranges(["0,5,US", "5,6,DE"]))
