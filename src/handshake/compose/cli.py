"""Puts together what the CLI's verbs need."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from handshake.agent.lifecycle import Lifecycle
from handshake.campaign.operator import Operator
from handshake.campaign.publish import Publisher
from handshake.campaign.retention import Collector
from handshake.campaign.secret_rotation import Rotator
from handshake.compose.campaign import CampaignParts, compose_campaign
from handshake.compose.fastly import compose_fastly_planner
from handshake.compose.live_data import LiveDataParts
from handshake.compose.publishing import (
    compose_contract_check,
    compose_publish_context,
    compose_publisher,
    compose_signer,
)
from handshake.compose.status import compose_log_analyzer
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.problem import Problem
from handshake.drivers.redis.donations import RedisDonations
from handshake.drivers.redis.passwords import RedisPasswords
from handshake.edge.ingress.access_log import AccessLogAnalyzer
from handshake.fleet.autoscaler import Scales
from handshake.fleet.bundle_store import Bundles
from handshake.fleet.nodes import NodeRegister
from handshake.fleet.rollouts.control import Holds, Rollouts
from handshake.fleet.rollouts.observe import CatalogRolloutProgress
from handshake.image.contract_check.check import ContractCheck
from handshake.pointers.arrival import Arrivals
from handshake.release.node_paths import NodePaths
from handshake.release.signing import Signer
from handshake.site.history import SiteReleases
from handshake.site.traffic import ShownArrivals, SiteTraffics

if TYPE_CHECKING:
    from handshake.edge.fastly.plan import FastlyPlanner


@dataclass(frozen=True, kw_only=True)
class CliParts:
    """The parts for all of an operator's commands; each is made when it is first used."""

    paths: NodePaths
    clock: Clock
    live_data: LiveDataParts
    campaign: CampaignParts

    # Releases and pointers.

    def operator(self, who: str, folder: Path | None = None) -> Operator:
        """Return an operator's commands, which publish from the campaign's folder or from another folder with the same layout."""
        live_data = self.live_data
        return Operator(
            who=who,
            catalog=live_data.catalog,
            clock=self.clock,
            pointers=live_data.pointers,
            arrivals=self.arrivals(),
            publisher=self.publisher(folder),
            switch_editor=live_data.switch_editor(who),
            list_editor=live_data.list_editor(who),
            read_live=self.campaign.live,
            kind_of=lambda release: self.campaign.manifest_of(release).kind,
            find_failing_cases=self._find_failing_cases,
            nodes=live_data.nodes,
        )

    def _find_failing_cases(self, policy: Digest) -> list[Problem]:
        # Imported where it is used: nothing but a policy's promotion needs the simulator.
        from handshake.campaign.edge_cases import find_failing_cases  # noqa: PLC0415 -- see above

        tree = self.live_data.fetch(policy)
        return find_failing_cases(tree, self.campaign.policies.read(policy))

    def receiver(self, who: str, origin: tuple[str, str]) -> Operator:
        """Return the commands for a site that was built elsewhere, from this address and commit."""
        context = replace(
            compose_publish_context(self.campaign),
            run_build=lambda _command, _folder: None,
            describe_source=lambda _: origin,
        )
        return replace(self.operator(who), publisher=Publisher(context, self.clock))

    def publisher(self, folder: Path | None = None) -> Publisher:
        """Return the publisher of the campaign's sources, or of those in another folder with the same layout."""
        return compose_publisher(self.campaign, folder)

    def contract_check(self, who: str) -> ContractCheck:
        """Return an operator's contract check."""
        return compose_contract_check(self.campaign, who)

    def arrivals(self) -> Arrivals:
        """Return the watcher of moved pointers."""
        live_data = self.live_data
        return Arrivals(
            live_data.catalog,
            live_data.pointers,
            self.clock,
            live_data.nodes,
            rollouts=CatalogRolloutProgress(catalog=live_data.catalog),
            has_fastly=live_data.has_fastly,
        )

    def bundles(self, who: str) -> Bundles:
        """Return an operator's bundles."""
        return Bundles(
            who=who,
            catalog=self.live_data.catalog,
            clock=self.clock,
            pointers=self.live_data.pointers,
            require_checked=self.operator(who).require_checked,
        )

    def collector(self, who: str) -> Collector:
        """Return the collector of objects that no release needs."""
        return Collector(
            who=who,
            catalog=self.live_data.catalog,
            clock=self.clock,
            pointers=self.live_data.pointers,
            stores=self.live_data.stores,
        )

    # The edge and its sites.

    @property
    def log_analyzer(self) -> AccessLogAnalyzer:
        """Analyzes this node's access log by the live policy."""
        return compose_log_analyzer(self.campaign)

    @property
    def fastly_planner(self) -> FastlyPlanner:
        """Plans how a policy would change the service at Fastly."""
        return compose_fastly_planner(self.live_data)

    @property
    def site_traffic(self) -> SiteTraffics:
        """Previews and splits."""
        return SiteTraffics(self.live_data.catalog, self.clock)

    @property
    def shown_arrivals(self) -> ShownArrivals:
        """Waits until previews and splits are served."""
        return ShownArrivals(self.live_data.catalog, self.clock, self.live_data.nodes)

    @property
    def site_releases(self) -> SiteReleases:
        """Reads the releases of sites."""
        return SiteReleases(stores=self.live_data.stores, pointers=self.live_data.pointers)

    # Fleets, nodes and stores.

    def rollouts(self, who: str) -> Rollouts:
        """Return the rollouts, to pause, resume or abort in an operator's name."""
        return Rollouts(
            who=who,
            catalog=self.live_data.catalog,
            pointers=self.live_data.pointers,
            targets=self.campaign.targets,
            holds=Holds(self.live_data.catalog, self.clock),
        )

    def scales(self, who: str) -> Scales:
        """Return the scales, to set in an operator's name."""
        return Scales(who=who, catalog=self.live_data.catalog, clock=self.clock)

    @property
    def node_register(self) -> NodeRegister:
        """The decisions of operators about nodes."""
        return NodeRegister(self.live_data.catalog, self.clock)

    def donations(self, store: str) -> RedisDonations:
        """Return the donations that a store keeps, as a drill reads them."""
        return RedisDonations(self.campaign.store_url(store))

    # Secrets.

    @property
    def signer(self) -> Signer:
        """Makes keys and signs."""
        return compose_signer(self.campaign)

    def rotator(self, who: str) -> Rotator:
        """Return the rotator of secrets."""
        return Rotator(
            who=who,
            catalog=self.live_data.catalog,
            clock=self.clock,
            secrets=self.live_data.secrets,
            pointers=self.live_data.pointers,
            targets=self.campaign.targets,
            nodes=self.live_data.nodes,
            locks={f"store-{name}": (name, self._passwords(name)) for name in self.paths.stores},
        )

    def _passwords(self, store: str) -> RedisPasswords:
        host, _, port = self.paths.stores[store].rpartition(":")
        return RedisPasswords(store, host=host, port=int(port))

    # The campaign's own processes on this node.

    def lifecycle(self) -> Lifecycle:
        """Return the starter and stopper of the catalogue, the agent and the control process."""
        return self._lifecycle(str(self.live_data.secrets.ensure_catalog()))

    def join(self, ask_agent: Callable[[str], None]) -> tuple[str, ...]:
        """Start this node's agent, which joins the campaign; return the names of what was started."""
        return self._lifecycle("").start(lambda: self.live_data.catalog, ask_agent)

    def _lifecycle(self, credentials: str) -> Lifecycle:
        return Lifecycle(
            self.paths, self.campaign.supervision, self.clock, python=sys.executable, credentials=credentials
        )


def compose_cli(paths: NodePaths, clock: Clock) -> CliParts:
    """Return the parts for the commands of an operator of this campaign."""
    campaign = compose_campaign(paths, clock)
    return CliParts(paths=paths, clock=clock, live_data=campaign.live_data, campaign=campaign)
