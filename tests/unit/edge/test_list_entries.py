"""Entries of lists have one form, however they are written, and other people's files are read whole or not at all."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from handshake.edge.lists.entries import find_protected, read_entry, sort_entries
from handshake.edge.lists.formats import BadLine, Format, print_entries, read_list
from handshake.edge.policy.declarations import ListKind
from handshake.edge.policy.networks import Matcher

ADDRESS, NETWORK, TEXT = ListKind.ADDRESS, ListKind.NETWORK, ListKind.TEXT


@pytest.mark.parametrize(
    ("kind", "written", "entry"),
    [
        (NETWORK, "203.0.113.7", "203.0.113.7"),
        (NETWORK, "203.0.113.7/32", "203.0.113.7"),
        (NETWORK, "203.0.113.0/24", "203.0.113.0/24"),
        (NETWORK, "2001:DB8:0::1", "2001:db8::/64"),
        (NETWORK, "2001:db8::1/128", "2001:db8::1"),
        (NETWORK, "::ffff:203.0.113.7", "203.0.113.7"),
        (ADDRESS, "2001:db8::1", "2001:db8::1"),
        (TEXT, "Mozilla/5.0 (evil)", "Mozilla/5.0 (evil)"),
    ],
)
def test_canonical_form(kind: ListKind, written: str, entry: str) -> None:
    """An entry has one spelling; an IPv6 address alone is its /64, unless its length or the list says otherwise."""
    assert read_entry(kind, written) == entry


def test_exactly_one_ipv6_address_when_asked() -> None:
    """Who wants one IPv6 address and not its /64 can have it."""
    assert read_entry(NETWORK, "2001:db8::1", is_exact=True) == "2001:db8::1"


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (NETWORK, "01.2.3.4"),
        (NETWORK, "10.0.0.1/8"),
        (NETWORK, "example.org"),
        (ADDRESS, "10.0.0.0/8"),
        (TEXT, "a\tb"),
        (TEXT, ""),
        (TEXT, "x" * 1001),
    ],
)
def test_what_is_no_entry(kind: ListKind, written: str) -> None:
    """What is no entry of a list is refused, networks on lists of addresses and unprintable texts among it."""
    with pytest.raises(ValueError, match=r"\w"):
        read_entry(kind, written)


def test_protected_are_found_from_either_side() -> None:
    """An entry inside of a protected network touches it, and so does one around it; others do not."""
    find = find_protected([ip_network("198.51.100.0/24"), ip_network("2001:db8::/48")])

    assert str(find("198.51.100.7")) == "198.51.100.0/24"
    assert str(find("198.51.0.0/16")) == "198.51.100.0/24"
    assert str(find("2001:db8::/32")) == "2001:db8::/48"
    assert find("198.51.101.0") is None


FEED = """
# plain
203.0.113.1
203.0.113.2   # with a remark
create wall hash:net family inet
add wall 203.0.113.3
deny 203.0.113.4;
allow 192.0.2.1;
192.0.2.128/25 ; SBL256894
203.0.113.5,2026-01-01,somebody
203.0.113.6 2026-11-01 10:00:00 + 600 = 2026-11-01 10:10:00
{"entry": "203.0.113.8", "until": ""}
// another remark
"""


def test_every_known_format_is_read() -> None:
    """Plain lines, ipset, nginx, Spamhaus, CSV, fail2ban and our own JSON are read, in one file even."""
    entries = read_list(NETWORK, FEED.splitlines())

    assert entries.bad == ()
    assert list(entries.found) == [
        *(f"203.0.113.{number}" for number in range(1, 5)),
        "192.0.2.128/25",
        "203.0.113.5",
        "203.0.113.6",
        "203.0.113.8",
    ]


def test_every_bad_line_has_its_place() -> None:
    """All bad lines are named at once, with line and column."""
    entries = read_list(NETWORK, ["1.2.3.4", "  nonsense", "deny 300.1.1.1;"])

    assert [(bad.line, bad.column) for bad in entries.bad] == [(2, 3), (3, 6)]
    assert isinstance(entries.bad[0], BadLine)


@pytest.mark.parametrize("which", list(Format))
def test_what_is_exported_is_imported(which: Format) -> None:
    """Every format that is written is read again, to the same entries."""
    held = ["203.0.113.7", "198.51.100.0/24", "2001:db8::/64"]
    rows = [(entry, "", "ann", "tries, out cards") for entry in held]

    printed = list(print_entries(which, "wall", rows, kind=NETWORK))
    assert sorted(read_list(NETWORK, printed).found) == sorted(held)


def test_texts_are_whole_lines() -> None:
    """A list of texts keeps blanks, commas and quotes; a remark is a line of its own."""
    agents = ['evil "bot", v1', "curl/8"]
    rows = [(agent, "", "ann", "bot") for agent in agents]

    assert list(read_list(TEXT, ["# agents", *agents]).found) == agents
    printed = list(print_entries(Format.JSON, "agents", rows, kind=TEXT))
    assert list(read_list(TEXT, printed).found) == agents


def test_the_longest_network_is_met() -> None:
    """Of several entries that hold an address, the longest is the one it met, as at the ingress."""
    matcher = Matcher(frozenset({"203.0.0.0/16", "203.0.113.0/24", "203.0.113.7", "2001:db8::/32"}))

    assert matcher.find("203.0.113.7") == "203.0.113.7"
    assert matcher.find("203.0.113.8") == "203.0.113.0/24"
    assert matcher.find("203.0.1.1") == "203.0.0.0/16"
    assert matcher.find("2001:db8:1::1") == "2001:db8::/32"
    assert matcher.find("192.0.2.1") is None
    assert matcher.find("-") is None


def test_networks_are_sorted_as_numbers() -> None:
    """Nine comes before ten, and IPv4 before IPv6."""
    entries = ["10.0.0.0/8", "2001:db8::/32", "9.0.0.1", "10.0.0.0"]
    assert sort_entries(NETWORK, entries) == ["9.0.0.1", "10.0.0.0/8", "10.0.0.0", "2001:db8::/32"]
