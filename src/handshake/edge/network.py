"""Addresses and networks as operators write them, and as maps hold them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_network(text: str) -> Network:
    """Return an address or a network; ValueError says what is wrong, host bits included."""
    return ipaddress.ip_network(text)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that texts write."""
    return tuple(map(parse_network, texts))


def print_network(network: Network) -> str:
    """Return the network as a map's key: a single address without its length."""
    is_single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if is_single else str(network)


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Tell whether any of the networks holds the address."""
    return any(address in network for network in networks if network.version == address.version)
