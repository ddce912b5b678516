"""The maps of the ingress: live data that changes without a release. A value is a lease: the epoch at which it ends."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

from handshake.edge.policy.declarations import Declarations
from handshake.edge.policy.networks import Network, print_network

SWITCHES_MAP = "switches.map"
COUNTRIES = "countries.map"
NETWORKS = "networks.map"
"""The numbers of autonomous systems."""
TEXT_KEY = "base64"
"""HAProxy's converter from a text to a map key: a key ends at the first space."""
FOREVER = 253_402_300_799
"""The last second of the year 9999: a lease with no end."""


def name_list_map(name: str) -> str:
    """Return the file name of a list's map."""
    return f"list-{name}.map"


def name_return(switch: str) -> str:
    """Return the key of a switch's return: the moment from which one that is off for a time is on again."""
    return f"{switch}.from"


def print_list(entries: Iterable[tuple[Network, int]]) -> str:
    """Return a list's map: each network and when its lease ends, in seconds since the epoch."""
    return "".join(f"{print_network(network)} {until}\n" for network, until in entries)


def text_key(text: str) -> str:
    """Return a text as the key of a list's map: see TEXT_KEY."""
    return b64encode(text.encode()).decode()


def print_text_list(entries: Iterable[tuple[str, int]]) -> str:
    """Return the map of a list of texts: each and when its lease ends, in seconds since the epoch."""
    return "".join(f"{text_key(text)} {until}\n" for text, until in entries)


def print_switches(switches: Iterable[tuple[str, int]]) -> str:
    """Return the switches' map: each one that is on, and when it turns itself off."""
    return "".join(f"{name} {until}\n" for name, until in switches)


def seed_maps(declared: Declarations) -> dict[str, str]:
    """Return what each map file holds before anybody changes anything; countries are none of the policy's."""
    lists = {
        name_list_map(its.name): print_list((network, FOREVER) for network in its.entries)
        for its in declared.lists
    }
    texts = {
        name_list_map(its.name): print_text_list((text, FOREVER) for text in its.entries)
        for its in declared.text_lists
    }
    switches = print_switches((its.name, FOREVER) for its in declared.switches if its.is_on)
    return {SWITCHES_MAP: switches, **lists, **texts}
