"""The agent of one node: five loops that follow the catalogue, and the programs beside the routers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from handshake.agent.heartbeat import PRESENCE_SECONDS, Heartbeat
from handshake.campaign.live_policy import LivePolicy, PolicyReader
from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.entries import CatalogEntry, Endpoints
from handshake.catalog.feed import Decoded, Feed, prefix_feed, service_feed
from handshake.catalog.keys import ASSIGNMENTS, LISTS, NODES, POINTERS, PURGES, SITE_TRAFFIC, SWITCHES
from handshake.catalog.loop import Loop
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.core.outcome import Outcome
from handshake.core.subject import Kind, Subject
from handshake.edge.cache.purge import decode_purges
from handshake.edge.cache.reconcile import CacheReconciler
from handshake.edge.ingress.reconcile import IngressReconciler
from handshake.edge.ingress.runtime_maps import FollowedLists, wanted_switches
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Assignment, Generation
from handshake.fleet.instances.instances import Instances
from handshake.fleet.instances.metrics import MEASURE_SECONDS, Measurer, Sampler
from handshake.fleet.instances.report import acknowledge_fleet
from handshake.gateway.pool import Wanted
from handshake.gateway.reconcile import GatewayReconciler, services_of, wanted_from
from handshake.pointers.acks import AckWriter
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import decode_pointers
from handshake.site.traffic import decode_traffic

# The programs beside the routers: stores and regions' servers, started, adopted, restarted in place.


class LocalProgram(Protocol):
    """One program that the agent keeps running."""

    @property
    def name(self) -> str:
        """What it is called in logs and in status."""
        ...

    def ensure(self) -> bool:
        """Start it unless it runs, fill it where it is filled from a source; True if something was done."""
        ...

    def answers(self) -> bool:
        """Whether the running program answers a question."""
        ...


def keep_programs(live: LivePolicy, programs: Sequence[LocalProgram], acks: AckWriter) -> Outcome:
    """Keep every program running; the node serves the policy once all of them answer."""
    done = [program.name for program in programs if program.ensure()]
    silent = [program.name for program in programs if not program.answers()]
    if silent:
        sentence = f"waits for {', '.join(silent)} to answer"
        return Outcome(sentence=sentence, changed=bool(done), is_waiting=True)
    names = ", ".join(program.name for program in programs) or "no programs beside the routers: they"
    acks.serve(str(live.pointer.subject), live.pointer.revision, f"{names} answer")
    if done:
        return Outcome(sentence=f"started {', '.join(done)}", changed=True)
    return Outcome(sentence=f"{names} run", changed=False)


_NOTHING_YET = Outcome(sentence="no policy was applied yet", changed=False)
_SLOW_TICK_SECONDS = 2.0
_PROBE_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class AgentParts:
    """The reconcilers and drivers of one node."""

    node_acks: AckWriter
    policies: PolicyReader
    targets: GenerationReader
    gateway: GatewayReconciler
    ingress: IngressReconciler
    cache: CacheReconciler
    programs_of: Callable[[LivePolicy], Sequence[LocalProgram]]
    prepare_countries: Callable[[str, str], None]
    lists: FollowedLists
    presence: Heartbeat
    sampler: Sampler
    measurer: Measurer


class Agent:
    """Watches the catalogue and keeps this node in the state that it asks for."""

    def __init__(self, *, node: str, catalog: Catalog, clock: Clock, parts: AgentParts) -> None:
        self._catalog = catalog
        self._clock = clock
        self._parts = parts
        self._programs = Loop("programs", self._keep_programs, tick_seconds=_SLOW_TICK_SECONDS)
        self._gateway = Loop("gateway", self._keep_gateway, tick_seconds=_SLOW_TICK_SECONDS)
        self._ingress = Loop("ingress", self._keep_ingress, tick_seconds=_SLOW_TICK_SECONDS)
        self._cache = Loop("cache", self._keep_cache, tick_seconds=_SLOW_TICK_SECONDS)
        self._warming = Loop("warming", parts.cache.go_on_warming, tick_seconds=_SLOW_TICK_SECONDS)
        self._fleet = Loop("instances", self._keep_instances, tick_seconds=_PROBE_SECONDS)
        self._measures = Loop("measures", self._keep_measures, tick_seconds=MEASURE_SECONDS)
        self._samples = Loop("samples", parts.sampler.cycle, tick_seconds=_SLOW_TICK_SECONDS)
        self._presence = Loop("presence", self._keep_presence, tick_seconds=PRESENCE_SECONDS)
        self._instances: Instances | None = None
        self._pointers = prefix_feed(catalog, POINTERS, self._wake_all)
        self._switches = prefix_feed(catalog, SWITCHES, self._ingress.wake)
        self._lists = prefix_feed(catalog, LISTS, self._ingress.wake)
        self._purges = prefix_feed(catalog, PURGES, self._cache.wake)
        self._site_traffic = prefix_feed(catalog, SITE_TRAFFIC, self._cache.wake)
        self._assignments = prefix_feed(catalog, f"{ASSIGNMENTS}{node}/", self._fleet.wake)
        self._nodes = prefix_feed(catalog, NODES, self._presence.wake)
        self._pools: dict[str, Feed[Endpoints]] = {}
        self._known_pointers = Decoded(decode_pointers)
        self._known_assignments = Decoded(_decode_assignments)

    @property
    def _loops(self) -> tuple[Loop, ...]:
        return (
            self._presence,
            self._programs,
            self._gateway,
            self._ingress,
            self._cache,
            self._warming,
            self._fleet,
            self._samples,
            self._measures,
        )

    def run(self, instances: Instances) -> None:
        """Start every feed and loop."""
        self._instances = instances
        for feed in (
            self._nodes,
            self._pointers,
            self._switches,
            self._lists,
            self._purges,
            self._site_traffic,
            self._assignments,
        ):
            feed.start()
        for loop in self._loops:
            loop.start()

    def stop(self, wait_seconds: float) -> None:
        """Stop the loops; everything that serves goes on."""
        for loop in self._loops:
            loop.stop(wait_seconds)
        self._parts.presence.give_up()

    def pointers(self) -> Mapping[Subject, Pointer] | None:
        """Return the pointers as last read, None while the catalogue cannot be read."""
        latest = self._pointers.latest()
        if latest is None or not self._pointers.is_readable:
            return None
        return self._known_pointers.read(latest)

    def target_of(self, service: str) -> Generation | None:
        """Return what the pointers ask of a service, None if that cannot be known now."""
        return self._parts.targets.find_generation(service, self.pointers())

    def _wake_all(self) -> None:
        for loop in self._loops:
            loop.wake()

    def _live(self) -> LivePolicy | None:
        pointers = self.pointers()
        if pointers is None:
            return None
        try:
            return self._parts.policies.live(pointers)
        except RefusedError as error:
            self._refuse_policy(pointers, error)
            raise

    def _refuse_policy(self, pointers: Mapping[Subject, Pointer], error: RefusedError) -> None:
        subject = self._parts.policies.subject
        if pointer := pointers.get(subject):
            self._parts.node_acks.refuse(str(subject), pointer.revision, f"{error.what}: {error.details}")

    def _keep_measures(self) -> Outcome:
        return self._parts.measurer.cycle(self._instances.reports() if self._instances else {})

    def _keep_presence(self) -> Outcome:
        return self._parts.presence.cycle(self._nodes.latest())

    def _keep_programs(self) -> Outcome:
        live = self._live()
        if live is None:
            return _NOTHING_YET
        return keep_programs(live, self._parts.programs_of(live), self._parts.node_acks)

    def _keep_gateway(self) -> Outcome:
        live = self._live()
        if live is None:
            return _NOTHING_YET
        wanted = {service: self._wanted(service) for service in sorted(services_of(live))}
        return self._parts.gateway.cycle(live, wanted)

    def _wanted(self, service: str) -> Wanted:
        if service not in self._pools:
            self._pools[service] = service_feed(self._catalog, service, self._gateway.wake)
            self._pools[service].start()
            self._pools[service].wait(_SLOW_TICK_SECONDS)
        feed = self._pools[service]
        return wanted_from(feed.latest, is_readable=feed.is_readable)

    def _keep_ingress(self) -> Outcome:
        live = self._live()
        switches, lists = self._switches.latest(), self._lists.latest()
        if live is None or switches is None or lists is None:
            return _NOTHING_YET
        self._parts.prepare_countries(live.policy.campaign.countries, live.policy.campaign.networks)
        now, edge = self._clock.now(), live.policy.edge
        followed = self._parts.lists.follow(edge, lists, now)
        outcome = self._parts.ingress.cycle(live, (wanted_switches(edge, switches, now),), followed)
        self._parts.lists.require_all()
        return outcome

    def _keep_cache(self) -> Outcome:
        live, pointers = self._live(), self.pointers()
        purges, traffic = self._purges.latest(), self._site_traffic.latest()
        if live is None or pointers is None or traffic is None:
            return _NOTHING_YET
        return self._parts.cache.cycle(
            live,
            pointers,
            decode_purges(purges.entries) if purges else (),
            decode_traffic(traffic.entries, self._clock.now()),
        )

    def _keep_instances(self) -> Outcome:
        latest = self._assignments.latest()
        if latest is None or self._instances is None:
            return Outcome(sentence="the catalogue could not be read yet", changed=False)
        assignments = self._known_assignments.read(latest)
        outcome = self._instances.cycle(assignments)
        self._acknowledge_fleets(assignments)
        return outcome

    def _acknowledge_fleets(self, assignments: Mapping[str, Assignment]) -> None:
        pointers = self.pointers()
        if pointers is None or self._instances is None:
            return
        reports, by_service = self._instances.reports(), _group_by_service(assignments.values())
        for service in sorted(subject.name for subject in pointers if subject.kind is Kind.IMAGE):
            target = self._parts.targets.find_generation(service, pointers)
            contract = self._parts.targets.contract(service, pointers) if target else None
            if target and contract:
                acknowledge_fleet(
                    service,
                    target=target,
                    assignments=by_service.get(service, ()),
                    reports=reports,
                    pointers=pointers,
                    templates=contract.templates,
                    acks=self._parts.node_acks,
                )


def _decode_assignments(entries: Iterable[CatalogEntry]) -> Mapping[str, Assignment]:
    assignments = (decode(Assignment, entry.value) for entry in entries)
    return {assignment.instance: assignment for assignment in assignments}


def _group_by_service(assignments: Iterable[Assignment]) -> Mapping[str, Sequence[Assignment]]:
    groups: defaultdict[str, list[Assignment]] = defaultdict(list)
    for assignment in assignments:
        groups[assignment.service].append(assignment)
    return groups
