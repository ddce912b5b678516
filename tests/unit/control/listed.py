"""A list from the verb to the ingress's map file, without an ingress."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from handshake.catalog.keys import LISTS
from handshake.config.reader import parse_settings
from handshake.drivers.directory.store import make_region
from handshake.edge.ingress.runtime_maps import FollowedLists
from handshake.edge.lists.lists import Compaction, Lists
from handshake.edge.lists.map_file import Followed, ListFile, ListFollower
from handshake.edge.lists.reader import ListSnapshotStore
from handshake.edge.policy.policy import EdgePolicy, build_policy
from handshake.edge.policy.settings import EdgeSettings
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

POLICY = """
[switches.ban]
description = "a switch"
[switches.open]
description = "another"
default = true
[lists.wall]
kind = "network"
entries = ["192.0.2.0/24"]
protected = ["198.51.100.0/24"]
[lists.agents]
kind = "text"
[[rule]]
name = "wall"
phase = "admit"
when = "client.ip in list.wall || switch.ban || switch.open || request.user_agent in list.agents"
respond = { status = 403, body = "no" }
"""
NOW = 1_000_000.0


def read_policy(text: str = POLICY) -> EdgePolicy:
    """Return an edge policy."""
    return build_policy(parse_settings(EdgeSettings, text, shown_as="edge.toml"))


@dataclass(kw_only=True)
class Node:
    """A catalogue, two regions, and a node that follows."""

    folder: Path
    policy: EdgePolicy = field(default_factory=read_policy)
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))

    def __post_init__(self) -> None:
        self.shelf = ListSnapshotStore([make_region(self.folder / name, name) for name in ("east", "west")])
        self.lists = Lists(self.catalog, self.clock, self.shelf)
        self.compaction = Compaction(self.catalog, self.clock, self.shelf)
        self.restart_agent()

    def restart_agent(self) -> None:
        """Forget everything that an agent keeps in memory."""
        self._followed = FollowedLists(
            self.folder / "maps", lambda file: ListFollower(self.catalog, self.shelf, file)
        )

    def follow(self) -> dict[str, Followed]:
        """Bring the map files to the catalogue; return what that came to, by list."""
        all_lists = self._followed.follow(self.policy, self.catalog.read(LISTS), self.clock.now())
        self._followed.require_all()
        return {followed.file.list_name: followed for followed in all_lists}

    def ban(self, *entries: str, seconds: float | None = 60) -> int:
        """Put entries on the wall."""
        return self.lists.add("wall", *entries, seconds=seconds, author="ann", reason="bot").revision

    def map_of(self, name: str = "wall") -> dict[str, int]:
        """Return what an ingress would load that starts now."""
        return dict(ListFile(self.folder / "maps" / f"list-{name}.map", name).leases())

    def banned(self) -> dict[str, int]:
        """Follow, and return what an ingress would load of the wall beside the policy's own entry."""
        self.follow()
        return {key: until for key, until in self.map_of().items() if key != "192.0.2.0/24"}
