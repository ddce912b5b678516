"""Addresses and networks: parsed, printed, and matched by the longest prefix."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_network(text: str) -> Network:
    """Return an address or a network; ValueError if it is not valid, for example with host bits set."""
    return ipaddress.ip_network(text)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that texts represent."""
    return tuple(map(parse_network, texts))


def print_network(network: Network) -> str:
    """Return the network as a map's key: a single address without its prefix length."""
    is_single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if is_single else str(network)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Return whether any of the networks contains the address."""
    return any(address in network for network in networks if network.version == address.version)


# The entry that matches an address: the longest network that contains it, as the ingress decides.


class Matcher:
    """Looks up addresses among entries in canonical form."""

    def __init__(self, entries: Collection[str]) -> None:
        self._entries = entries
        self._networks: dict[tuple[int, int], dict[int, str]] = {}
        for entry in entries:
            if "/" in entry:
                network = parse_network(entry)
                free_bits = network.max_prefixlen - network.prefixlen
                same_size = self._networks.setdefault((network.version, free_bits), {})
                same_size[int(network.network_address) >> free_bits] = entry
        self._sizes = sorted(self._networks)

    def find(self, client: str) -> str | None:
        """Return the entry that contains an address, None if there is none or the text is not an address."""
        if client in self._entries:
            return client
        try:
            address = ip_address(client)
        except ValueError:
            return None
        number = int(address)
        for version, free_bits in self._sizes:
            if version == address.version:
                found = self._networks[version, free_bits].get(number >> free_bits)
                if found is not None:
                    return found
        return None
