"""What switches and lists are changed with, put together.

Nothing here knows a rule of the policy: to import and parse them takes longer than everything else that a ban does.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from handshake.catalog.catalog import Catalog
from handshake.control.declared import DeclarationReader
from handshake.control.house import House
from handshake.control.lists.compaction import Compaction
from handshake.control.lists.lists import Lists
from handshake.control.lists.shelf import ListShelf
from handshake.control.nodes import Nodes, read_nodes
from handshake.control.pointers import Pointers
from handshake.control.secrets import Secrets
from handshake.control.shelf import fetch_release
from handshake.control.switchboard import Switchboard
from handshake.control.switches import Switches
from handshake.control.wall import Wall
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.objects import ObjectStore
from handshake.drivers.consul.catalog import ConsulCatalog
from handshake.wiring.regions import open_regions


class LiveData:
    """One campaign's catalogue and regions, and what operators change in them without a release."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.house = house
        self.clock = clock
        self.secrets = Secrets(house.secrets)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue's client, with the credential that may write."""
        host, _, port = self.house.catalog.rpartition(":")
        return ConsulCatalog(host=host, port=int(port), credential=self.secrets.catalog_credential())

    @cached_property
    def stores(self) -> tuple[ObjectStore, ...]:
        """Every region's object store; a region whose folder is gone does not answer."""
        return open_regions(self.house, self.secrets)

    @property
    def pointers(self) -> Pointers:
        """The pointers."""
        return Pointers(self.catalog, self.clock)

    @cached_property
    def declarations(self) -> DeclarationReader:
        """What policies declare, read from their releases."""
        return DeclarationReader(self.house.name, self.pointers.get, self.fetch)

    @property
    def switches(self) -> Switches:
        """The switches."""
        return Switches(self.catalog, self.clock)

    @property
    def lists(self) -> Lists:
        """The lists."""
        return Lists(self.catalog, self.clock, self.list_shelf)

    @property
    def list_shelf(self) -> ListShelf:
        """Snapshots of lists in the regions."""
        return ListShelf(self.stores)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node that must acknowledge: those of the live policy that have joined and were not removed."""
        return self.read_nodes().named or (self.house.node,)

    def read_nodes(self) -> Nodes:
        """Return the nodes that the live policy names; none before the first policy."""
        live = self.declarations.live()
        return read_nodes(self.catalog, live.nodes if live else ())

    def fetch(self, release: Digest) -> Path:
        """Return a release's tree on this node."""
        return fetch_release(self.stores, release, self.house.trees)

    def switchboard(self, who: str) -> Switchboard:
        """Return somebody's say in switches."""
        return Switchboard(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            switches=self.switches,
            read_live=self.declarations.demand_live,
            nodes=self.nodes,
        )

    def wall(self, who: str) -> Wall:
        """Return somebody's say in lists."""
        return Wall(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            lists=self.lists,
            compaction=Compaction(self.catalog, self.clock, self.list_shelf),
            read_live=self.declarations.demand_live,
            nodes=self.nodes,
        )
