"""Puts together what changes switches and lists, and the regions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from handshake.agent.joining import OBJECTS_SECRET
from handshake.catalog.catalog import Catalog
from handshake.config.secrets import Secrets
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.drivers.consul.catalog import ConsulCatalog
from handshake.drivers.directory.store import DirectoryStore
from handshake.drivers.http.objects import LentStore
from handshake.drivers.s3.store import S3Store, parse_credential
from handshake.edge.lists.declared import DeclarationReader
from handshake.edge.lists.editor import ListEditor
from handshake.edge.lists.lists import Compaction, Lists
from handshake.edge.lists.reader import ListSnapshotStore
from handshake.edge.lists.switches import SwitchEditor, Switches
from handshake.fleet.nodes import Nodes, read_nodes
from handshake.pointers.pointers import Pointers
from handshake.release.node_paths import NodePaths, bucket_secret, site_secret
from handshake.release.objects import ObjectStore
from handshake.release.store import fetch_release


@dataclass(frozen=True, kw_only=True)
class LiveDataParts:
    """One campaign's catalogue and regions, and the editors of live data.

    Nothing is opened, and no secret is read, before its first use: `up` creates the secrets, and `status` needs no region.
    """

    paths: NodePaths
    clock: Clock
    secrets: Secrets

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue's client, with the credential that may write."""
        host, _, port = self.paths.catalog.rpartition(":")
        return ConsulCatalog(host=host, port=int(port), credential=self.secrets.catalog_credential())

    @cached_property
    def stores(self) -> tuple[ObjectStore, ...]:
        """Every region's object store; a region whose folder is gone does not answer."""
        return open_regions(self.paths, self.secrets)

    @property
    def pointers(self) -> Pointers:
        """The pointers."""
        return Pointers(self.catalog, self.clock)

    @cached_property
    def declarations(self) -> DeclarationReader:
        """What policies declare, read from their releases."""
        return DeclarationReader(self.paths.name, self.pointers.get, self.fetch)

    @property
    def switches(self) -> Switches:
        """The switches."""
        return Switches(self.catalog, self.clock)

    @property
    def lists(self) -> Lists:
        """The lists."""
        return Lists(self.catalog, self.clock, self.list_snapshots)

    @property
    def list_snapshots(self) -> ListSnapshotStore:
        """Snapshots of lists in the regions."""
        return ListSnapshotStore(self.stores)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node that must acknowledge: those of the live policy that have joined and were not removed."""
        return self.read_nodes().named or (self.paths.node,)

    @property
    def has_fastly(self) -> bool:
        """Whether the live policy has a service at Fastly."""
        declared = self.declarations.live()
        return declared is not None and declared.has_fastly

    def read_nodes(self) -> Nodes:
        """Return the nodes that the live policy names; none before the first policy."""
        live = self.declarations.live()
        return read_nodes(self.catalog, live.nodes if live else ())

    def fetch(self, release: Digest) -> Path:
        """Return a release's tree on this node."""
        return fetch_release(self.stores, release, self.paths.trees)

    def switch_editor(self, who: str) -> SwitchEditor:
        """Return an operator's editor of switches."""
        return SwitchEditor(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            switches=self.switches,
            read_live=self.declarations.require_live,
            nodes=self.nodes,
        )

    def list_editor(self, who: str) -> ListEditor:
        """Return an operator's editor of lists."""
        return ListEditor(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            lists=self.lists,
            compaction=Compaction(self.catalog, self.clock, self.list_snapshots),
            read_live=self.declarations.require_live,
            nodes=self.nodes,
        )


def compose_live_data(paths: NodePaths, clock: Clock) -> LiveDataParts:
    """Return the parts that change switches and lists."""
    return LiveDataParts(paths=paths, clock=clock, secrets=Secrets(paths.secrets))


# Regions by name -> what keeps them: a folder, a bucket, or the home node's agent.


def open_regions(paths: NodePaths, secrets: Secrets, *, site: str = "") -> tuple[ObjectStore, ...]:
    """Return every region's object store; a node that joined asks the home node for what they hold.

    Where `site` has a key of its own to a bucket, the bucket is opened with that.
    """
    if not paths.is_home:
        credential = secrets.read(OBJECTS_SECRET)
        return tuple(
            LentStore(address=paths.home, region=name, credential=credential) for name in paths.regions
        )
    return tuple(_open_region(paths, secrets, name, site) for name in paths.regions)


def _open_region(paths: NodePaths, secrets: Secrets, name: str, site: str) -> ObjectStore:
    if name not in paths.buckets:
        return DirectoryStore(paths.region(name), name)
    own = site_secret(name, site)
    key = parse_credential(secrets.read(own if site and secrets.has(own) else bucket_secret(name)), name)
    return S3Store(paths.buckets[name], key, name)
