"""Whom entries meet: the longest network that holds an address, as the door finds it."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from handshake.edge.network import parse_network


class Matcher:
    """Looks addresses up among entries in their canonical form."""

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
        """Return the entry that holds an address, None where none does or where this is no address."""
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
