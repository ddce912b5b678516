"""Lists are heads and deltas: one ban is one delta, and a lease ends by itself."""

from handshake.catalog.keys import LISTS
from handshake.config.reader import parse_settings
from handshake.control.agent.live_data import wanted_maps
from handshake.control.lists import FOREVER, Lists, decode_heads
from handshake.edge.door.maps import name_list_map
from handshake.edge.policy import Policy, build_policy
from handshake.edge.settings import EdgeSettings
from handshake.testing.clock import FakeClock
from handshake.testing.memory_catalog import MemoryCatalog

POLICY = """
[switches.ban]
description = "a switch"
[switches.open]
description = "another"
default = true
[lists.wall]
kind = "network"
entries = ["192.0.2.0/24"]
[[rule]]
name = "wall"
phase = "admit"
when = "client.ip in list.wall || switch.ban || switch.open"
respond = { status = 403, body = "no" }
"""


def policy() -> Policy:
    return build_policy(parse_settings(EdgeSettings, POLICY, shown_as="edge.toml"))


def wall_of(catalog: MemoryCatalog, now: float) -> tuple[dict[str, str], int]:
    """Return what the door's map of the wall shall hold, and the revision that it acknowledges then."""
    maps = wanted_maps(policy(), catalog.read("hs/v1/switches/"), catalog.read(LISTS), now)
    wall = next(each for each in maps if each.name == name_list_map("wall"))
    return dict(wall.entries), wall.revision


def test_a_ban_reaches_the_map_with_its_end() -> None:
    """A banned network stands in the map beside the policy's own entries; its value is the end of its lease."""
    catalog, clock = MemoryCatalog(), FakeClock(1000.0)
    revision = Lists(catalog, clock).add("wall", "203.0.113.7", seconds=60, author="ann", reason="bot")

    entries, acknowledged = wall_of(catalog, clock.now())
    assert entries == {"192.0.2.0/24": str(int(FOREVER)), "203.0.113.7": "1060"}
    assert acknowledged == revision == 1


def test_an_ended_lease_leaves_the_map() -> None:
    """After its end a ban is gone from what the map shall hold."""
    catalog, clock = MemoryCatalog(), FakeClock(1000.0)
    Lists(catalog, clock).add("wall", "203.0.113.7", seconds=60, author="ann", reason="bot")

    assert wall_of(catalog, 1061.0)[0] == {"192.0.2.0/24": str(int(FOREVER))}


def test_the_last_word_on_a_network_counts() -> None:
    """A network that was banned and let in again is not listed; banned once more, it is."""
    catalog, clock = MemoryCatalog(), FakeClock(1000.0)
    lists = Lists(catalog, clock)
    lists.add("wall", "203.0.113.7", seconds=None, author="ann", reason="bot")
    lists.remove("wall", "203.0.113.7", author="bob", reason="mistake")
    assert "203.0.113.7" not in lists.entries("wall")

    lists.add("wall", "203.0.113.7", seconds=None, author="ann", reason="bot after all")
    assert lists.entries("wall")["203.0.113.7"].reason == "bot after all"
    assert decode_heads(catalog.read(LISTS).entries, LISTS)["wall"].revision == 3


def test_switches_reach_the_map_only_while_they_are_on() -> None:
    """The switches' map holds what is on: by the policy's default where nobody set it."""
    maps = wanted_maps(policy(), MemoryCatalog().read(""), MemoryCatalog().read(""), 1000.0)

    assert dict(maps[0].entries) == {"open": str(int(FOREVER))}
