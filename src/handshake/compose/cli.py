"""Puts together what the CLI's verbs need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from handshake.agent.lifecycle import Lifecycle
from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.operator import Operator
from handshake.campaign.publish import Publisher
from handshake.campaign.retention import Collector
from handshake.campaign.secret_rotation import Rotator
from handshake.campaign.status import StatusReport, read_status
from handshake.catalog.journal import JournalRecord, read_journal
from handshake.compose.fastly import FastlyWiring
from handshake.compose.foundation import Foundation
from handshake.compose.publishing import Publishing
from handshake.core.digest import Digest
from handshake.core.errors import HandshakeError, RefusedError
from handshake.core.problem import Problem
from handshake.core.subject import Kind
from handshake.edge.ingress.access_log import AccessLog, AccessLogAnalyzer
from handshake.fleet.autoscaler import Scales
from handshake.fleet.bundle_store import Bundles
from handshake.fleet.nodes import NodeRegister
from handshake.fleet.rollouts.control import Holds, Rollouts
from handshake.fleet.rollouts.observe import CatalogRolloutProgress
from handshake.image.contract_check.report import ContractResults
from handshake.image.recipe import HOST_BASE
from handshake.pointers.arrival import Arrivals
from handshake.site.copy.schedule import describe_age, read_record
from handshake.site.history import SiteReleases
from handshake.site.traffic import ShownArrivals, SiteTraffics

if TYPE_CHECKING:
    from handshake.drivers.redis.donations import RedisDonations
    from handshake.drivers.redis.passwords import RedisPasswords


class Verbs(Publishing, FastlyWiring):
    """The parts for all of an operator's commands."""

    def operator(self, who: str, folder: Path | None = None) -> Operator:
        """Return somebody's verbs, publishing from the campaign's folder or from another one like it."""
        return Operator(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            pointers=self.pointers,
            arrivals=self.arrivals(),
            publisher=self.publisher(folder),
            switch_editor=self.switch_editor(who),
            list_editor=self.list_editor(who),
            read_live=self.live,
            kind_of=lambda release: self.manifest_of(release).kind,
            find_failing_cases=self.find_failing_cases,
            nodes=self.nodes,
        )

    def find_failing_cases(self, policy: Digest) -> list[Problem]:
        """Return a problem for each case of a policy release that fails."""
        from handshake.campaign.edge_cases import find_failing_cases  # noqa: PLC0415 -- see above

        tree = self.fetch(policy)
        return find_failing_cases(tree, self.policies.read(policy))

    def receiver(self, who: str, origin: tuple[str, str]) -> Operator:
        """Return the verbs of somebody who sends what was built elsewhere, from this address and commit."""
        shop = replace(
            self.publish_context(), run_build=lambda _command, _folder: None, describe_source=lambda _: origin
        )
        return replace(self.operator(who), publisher=Publisher(shop, self.clock))

    def require_live(self) -> LivePolicy:
        """Return the live policy; RefusedError where none was applied yet."""
        live = self.live()
        if live is None:
            raise RefusedError("no policy was applied yet", hint="`handshake up FOLDER` applies it.")
        return live

    @property
    def witness(self) -> AccessLogAnalyzer:
        """What the ingress of this node logged."""
        log = AccessLog(self.paths.programs / "ingress" / "log")
        return AccessLogAnalyzer(log=log, clock=self.clock, policy=self.require_live().policy.edge)

    @property
    def site_traffic(self) -> SiteTraffics:
        """Previews and splits."""
        return SiteTraffics(self.catalog, self.clock)

    @property
    def shown_arrivals(self) -> ShownArrivals:
        """Watches previews and splits arrive."""
        return ShownArrivals(self.catalog, self.clock, self.nodes)

    @property
    def site_releases(self) -> SiteReleases:
        """Reads what is known of sites."""
        return SiteReleases(stores=self.stores, pointers=self.pointers)

    def collector(self, who: str) -> Collector:
        """Return somebody who may collect what no release needs."""
        return Collector(
            who=who, catalog=self.catalog, clock=self.clock, pointers=self.pointers, stores=self.stores
        )

    def rollouts(self, who: str) -> Rollouts:
        """Return somebody's say in rollouts."""
        holds = Holds(self.catalog, self.clock)
        return Rollouts(
            who=who, catalog=self.catalog, pointers=self.pointers, targets=self.targets, holds=holds
        )

    def bundles(self, who: str) -> Bundles:
        """Return somebody's bundles."""
        return Bundles(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            pointers=self.pointers,
            require_checked=self.operator(who).require_checked,
        )

    def rotator(self, who: str) -> Rotator:
        """Return somebody who replaces secrets."""
        return Rotator(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            secrets=self.secrets,
            pointers=self.pointers,
            targets=self.targets,
            nodes=self.nodes,
            locks={f"store-{name}": (name, self._passwords(name)) for name in self.paths.stores},
        )

    def _passwords(self, store: str) -> RedisPasswords:
        from handshake.drivers.redis.passwords import RedisPasswords  # noqa: PLC0415 -- see above

        host, _, port = self.paths.stores[store].rpartition(":")
        return RedisPasswords(store, host=host, port=int(port))

    def scales(self, who: str) -> Scales:
        """Return somebody's say in how many instances there are."""
        return Scales(who=who, catalog=self.catalog, clock=self.clock)

    @property
    def node_register(self) -> NodeRegister:
        """What operators decide about nodes."""
        return NodeRegister(self.catalog, self.clock)

    def arrivals(self) -> Arrivals:
        """Watches moved pointers."""
        return Arrivals(
            self.catalog,
            self.pointers,
            self.clock,
            self.nodes,
            rollouts=CatalogRolloutProgress(catalog=self.catalog),
            has_fastly=self._has_fastly(),
        )

    def status(self) -> StatusReport:
        """Return the state of your state."""
        return read_status(
            self.catalog,
            self.clock,
            campaign=self.paths.name,
            nodes=self.read_nodes(),
            notes=tuple(self._notes()),
            has_fastly=self._has_fastly(),
        )

    def _has_fastly(self) -> bool:
        declared = self.declarations.live()
        return declared is not None and declared.has_fastly

    def _notes(self) -> Iterator[str]:
        images = {
            subject.name: pointer.release
            for subject, pointer in sorted(self.pointers.all().items())
            if subject.kind is Kind.IMAGE
        }
        on_host = []
        for name, release in images.items():
            try:
                is_on_host = self.manifest_of(release).base == HOST_BASE
            except HandshakeError as error:
                yield f"{name}: {error.what}; {error.hint}"
            else:
                on_host += [name] * is_on_host
        if on_host:
            yield f'{", ".join(on_host)}: base = "host", this machine\'s own /usr: only for laptops'
        if unchecked := [
            name for name in images if not ContractResults(self.catalog).has_passed(images[name])
        ]:
            yield f"{', '.join(unchecked)}: live without a passed contract check: run `handshake contract check NAME`"
        live = self.live()
        if live and (alarm := self.witness.alarm()):
            yield alarm
        copy = live.policy.campaign.fallback_copy if live else None
        if copy and copy.pages:
            record = read_record(self.catalog)
            yield from filter(None, (describe_age(record, self.clock.now(), every_hours=copy.every_hours),))

    def journal(self) -> tuple[JournalRecord, ...]:
        """Return the newest records of the journal."""
        return read_journal(self.catalog)

    def donations(self, store: str) -> RedisDonations:
        """Return the donations that a store keeps, as a drill reads them."""
        from handshake.drivers.redis.donations import RedisDonations  # noqa: PLC0415 -- see above

        return RedisDonations(self._store_url(store))


# Bringing a node's processes up and down.


class Starting(Foundation):
    """The campaign's own processes on this node."""

    def lifecycle(self) -> Lifecycle:
        """The campaign's own three processes."""
        return self._lifecycle(str(self.secrets.ensure_catalog()))

    def join(self, ask_agent: Callable[[str], None]) -> tuple[str, ...]:
        """Start this node's agent, which joins the campaign; return the names of what was started."""
        return self._lifecycle("").start(lambda: self.catalog, ask_agent)

    def _lifecycle(self, credentials: str) -> Lifecycle:
        return Lifecycle(
            self.paths, self.supervision, self.clock, python=sys.executable, credentials=credentials
        )


# What verbs act with, as a whole.


class Wiring(Verbs, Starting):
    """One campaign's parts, put together from its campaign."""
