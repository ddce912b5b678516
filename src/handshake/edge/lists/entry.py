"""Entries as operators write them -> their one canonical form."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network

from handshake.edge.lists.kind import ListKind
from handshake.edge.network import Network, parse_network, print_network

# What most lines of a large list are: it is canonical already, and the ipaddress module would take most of the time.
_PLAIN_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}")
_IPV6_SITE_BITS = 64
"""A household's share: whoever has one address of it has them all."""
_LONGEST_TEXT = 1000


def read_entry(kind: ListKind, text: str, *, is_exact: bool = False) -> str:
    """Return an entry in its canonical form; ValueError says what is wrong.

    An IPv6 address alone becomes the /64 around it, unless the list or the asker wants it exactly.
    """
    if kind is ListKind.TEXT:
        return _read_text(text)
    if is_plain_ipv4(text):
        return text
    network = _unfold(parse_network(text))
    is_single = network.prefixlen == network.max_prefixlen
    if kind is ListKind.ADDRESS:
        if not is_single:
            raise ValueError(f"{text} is a network, and this list holds single addresses")
        return print_network(network)
    if network.version == 6 and is_single and "/" not in text and not is_exact:  # noqa: PLR2004 -- IPv6
        network = network.supernet(new_prefix=_IPV6_SITE_BITS)
    return print_network(network)


def is_plain_ipv4(text: str) -> bool:
    """Tell whether a text is a single IPv4 address in canonical form."""
    return _PLAIN_IPV4.fullmatch(text) is not None


def find_protected(protected: Sequence[Network]) -> Callable[[str], Network | None]:
    """Return a function that names the protected network that an entry, in its canonical form, touches."""
    ranges = [(its.version, int(its.network_address), int(its.broadcast_address), its) for its in protected]

    def find(entry: str) -> Network | None:
        if not ranges:
            return None
        version, first, last = _span(entry)
        touched = (
            its for kind, begin, end, its in ranges if kind == version and first <= end and begin <= last
        )
        return next(touched, None)

    return find


def sort_entries(kind: ListKind, entries: Sequence[str]) -> list[str]:
    """Return entries in the order in which people look for them: texts by letters, networks by number."""
    return sorted(entries) if kind is ListKind.TEXT else sorted(entries, key=_number)


def _span(entry: str) -> tuple[int, int, int]:
    """Return an entry's IP version, and its first and last address as numbers."""
    if is_plain_ipv4(entry):
        first, second, third, fourth = entry.split(".")
        number = int(first) << 24 | int(second) << 16 | int(third) << 8 | int(fourth)
        return 4, number, number
    network = parse_network(entry)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _unfold(network: Network) -> Network:
    """Return the IPv4 address that an IPv6 one carries: that is the one from which its connections come."""
    if isinstance(network, IPv4Network) or network.prefixlen < network.max_prefixlen:
        return network
    inner = network.network_address.ipv4_mapped
    return network if inner is None else IPv4Network(inner)


def _number(entry: str) -> tuple[int, int, int]:
    version, first, last = _span(entry)
    return version, first, -last


def _read_text(text: str) -> str:
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError("a text has printable characters only, and no blanks around it")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"a text has at most {_LONGEST_TEXT} characters")
    return text
