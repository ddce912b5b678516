"""One address, looked up in a map of the door: the longest network that holds it counts, as for the door itself."""

from __future__ import annotations

import mmap
from ipaddress import ip_network
from pathlib import Path

from handshake.edge.network import Network, print_network


def look_up(file: Path, client: str) -> str:
    """Return the value of the longest network that holds an address; empty where there is none, and without a file."""
    if not file.is_file() or not file.stat().st_size:
        return ""
    network = ip_network(client)
    with file.open("rb") as source, mmap.mmap(source.fileno(), 0, prot=mmap.PROT_READ) as text:
        for bits in range(network.max_prefixlen, -1, -1):
            if found := _find(text, network.supernet(new_prefix=bits)):
                return found
    return ""


def _find(text: mmap.mmap, network: Network) -> str:
    for key in dict.fromkeys((str(network), print_network(network))):
        wanted = f"{key} ".encode()
        begin = 0 if text[: len(wanted)] == wanted else text.find(b"\n" + wanted) + 1
        if begin or text[: len(wanted)] == wanted:
            end = text.find(b"\n", begin)
            return text[begin : end if end >= 0 else len(text)].decode().split()[1]
    return ""
