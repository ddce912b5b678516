"""Country data: ranges become networks that cover exactly the same addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, summarize_address_range

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.edge.countries import CountryRange, parse_ranges, print_countries

EXCERPT = """# comment
16777216,16777471,AU
16777472,16777727,AU
16777728,16778239,CN
16778240,16778241,??

2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP
"""


def test_excerpt() -> None:
    """Neighbours of one country are joined, what is unknown is left out, both families are read."""
    assert print_countries(parse_ranges(EXCERPT.splitlines())) == (
        "1.0.0.0/23 AU\n1.0.2.0/23 CN\n2001:200::/32 JP\n"
    )


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_networks_cover_the_range_exactly(one: int, other: int) -> None:
    """A range becomes the networks that the standard library makes of it."""
    first, last = sorted((one, other))
    text = print_countries([CountryRange(version=4, first=first, last=last, country="US")])
    found = [IPv4Network(line.split()[0]) for line in text.splitlines()]
    assert found == list(summarize_address_range(IPv4Address(first), IPv4Address(last)))


def test_gap_between_ranges_of_one_country() -> None:
    """Ranges of one country that do not touch stay apart."""
    ranges = parse_ranges(["0,0,US", "2,3,US", "4,4,US"])
    assert print_countries(ranges) == "0.0.0.0/32 US\n0.0.0.2/31 US\n0.0.0.4/32 US\n"


@pytest.mark.parametrize("line", ["1,2", "a,b,US", "2001:zz::,2001::,US"])
def test_unreadable_line(line: str) -> None:
    """A line that is no range is an error, not a hole in the map."""
    with pytest.raises(ValueError):
        list(parse_ranges([line]))
