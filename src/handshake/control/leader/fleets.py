"""The leader's fleets: gathers what the engine must know about each service, and carries out its plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.entry import Entry, Held
from handshake.catalog.keys import ASSIGNMENTS, INSTANCES, SAMPLES, hold_key, rollout_key
from handshake.control.acks import read_acks
from handshake.control.agent.sampling import NodeSamples
from handshake.control.campaign import CampaignSettings, ServiceSettings
from handshake.control.leader.pools import PoolView
from handshake.control.leader.steps import StepRunner, has_way_back
from handshake.control.nodes import Nodes
from handshake.control.scales import read_scale
from handshake.control.targets import Targets
from handshake.core.ack import Ack
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.instance import Assignment, InstanceReport
from handshake.core.outcome import Outcome
from handshake.core.pointer import Pointer
from handshake.core.release import Kind, Subject
from handshake.core.verdict import Verdicts
from handshake.fleet.budget import Budget
from handshake.fleet.engine import plan
from handshake.fleet.freeze import Freeze, find_freeze
from handshake.fleet.hold import Hold
from handshake.fleet.placement import Placement
from handshake.fleet.sample import Sample
from handshake.fleet.state import Desired, FleetSettings, Member, Observed, Rollout
from handshake.fleet.strategy import CanarySettings
from handshake.image.contract import Contract


@dataclass(frozen=True, kw_only=True)
class World:
    """What all services' plans of one cycle share, read once."""

    pointers: Mapping[Subject, Pointer]
    entries: tuple[Entry, ...]
    """Under `assignments/`."""
    assignments: Mapping[str, Assignment]
    """The same, by key: decoded once for all services."""
    reports: Mapping[str, InstanceReport]
    acks: tuple[Ack, ...]
    samples: tuple[Sample, ...]
    nodes: Nodes
    freeze: Freeze | None
    fence: Held
    now: float


class Fleets:
    """Plans and carries out the replacement of every service's fleet."""

    def __init__(
        self,
        catalog: Catalog,
        runner: StepRunner,
        targets: Targets,
    ) -> None:
        self._catalog = catalog
        self._runner = runner
        self._targets = targets

    def cycle(
        self,
        campaign: CampaignSettings,
        pointers: Mapping[Subject, Pointer],
        nodes: Nodes,
        fence: Held,
        now: float,
    ) -> tuple[Outcome, ...]:
        """Move every service one step; one outcome each."""
        world = self._look(pointers, campaign, nodes, fence, now)
        return tuple(
            self._move(service, settings, world)
            for service, settings in sorted(campaign.services.items())
            if Subject(kind=Kind.IMAGE, name=service) in pointers
        )

    def _look(
        self,
        pointers: Mapping[Subject, Pointer],
        campaign: CampaignSettings,
        nodes: Nodes,
        fence: Held,
        now: float,
    ) -> World:
        reports = (decode(InstanceReport, entry.value) for entry in self._catalog.read(INSTANCES).entries)
        entries = self._catalog.read(ASSIGNMENTS).entries
        return World(
            pointers=pointers,
            entries=entries,
            assignments={entry.key: decode(Assignment, entry.value) for entry in entries},
            reports={report.instance: _forget_if_silent(report, nodes) for report in reports},
            acks=read_acks(self._catalog),
            samples=tuple(self._read_samples()),
            nodes=nodes,
            freeze=find_freeze(campaign.freeze.calendar(), now),
            fence=fence,
            now=now,
        )

    def _read_samples(self) -> Iterator[Sample]:
        for entry in self._catalog.read(SAMPLES).entries:
            yield from decode(NodeSamples, entry.value).samples

    def _move(self, service: str, settings: ServiceSettings, world: World) -> Outcome:
        """Move one service one step; an image that cannot be read holds up no other service, and no replacement."""
        image = world.pointers[Subject(kind=Kind.IMAGE, name=service)]
        try:
            contract = self._targets.contract(service, world.pointers)
        except RefusedError as error:
            if has_way_back(image):
                return self._runner.send_back(image, error.what, fence=world.fence)
            unreadable = f"{error.what}: promote another release"
            return self._follow(self._keep(image, settings, unreadable), world)
        except UnavailableError as error:
            return self._follow(self._keep(image, settings, error.what), world)
        desired = self._desire(image, settings, contract, world)
        if desired is None:
            sentence = f"{service}: waits for the templates that it serves to be promoted"
            return Outcome(sentence=sentence, changed=False)
        return self._follow(desired, world)

    def _follow(self, desired: Desired, world: World) -> Outcome:
        service = desired.service
        own = [entry for entry in world.entries if world.assignments[entry.key].service == service]
        observed = Observed(
            rollout=self._rollout(service),
            members=self._members(service, own, world),
            samples=world.samples,
        )
        made = plan(desired, observed, world.now)
        everything = world.assignments.values()
        placement = Placement(world.nodes.answering, service=service, assignments=everything)
        return self._runner.carry_out(
            made, before=observed.rollout, assignments=own, placement=placement, fence=world.fence
        )

    def _desire(
        self, image: Pointer, settings: ServiceSettings, contract: Contract | None, world: World
    ) -> Desired | None:
        """Return what is asked of a fleet; None while the templates that it needs have no release."""
        if contract is None:
            return None
        templates = self._targets.templates(contract, world.pointers)
        if contract.templates and templates is None:
            return None
        service = image.subject.name
        return Desired(
            service=service,
            image=image,
            templates=templates,
            secrets=self._targets.secrets(contract),
            settings=self._settings(service, settings),
            hold=self._hold(service),
            freeze=world.freeze,
        )

    def _keep(self, image: Pointer, settings: ServiceSettings, unreadable: str) -> Desired:
        """Return what is asked of a fleet while nobody can read what its image asks for."""
        service = image.subject.name
        return Desired(
            service=service,
            image=image,
            settings=self._settings(service, settings),
            unreadable=unreadable,
        )

    def _hold(self, service: str) -> Hold | None:
        entry = self._catalog.get(hold_key(service))
        return decode(Hold, entry.value) if entry else None

    def _settings(self, service: str, settings: ServiceSettings) -> FleetSettings:
        scale, _ = read_scale(self._catalog, service)
        wanted = scale.wanted if scale else settings.floor
        return FleetSettings(
            desired=min(max(wanted, settings.floor), settings.ceiling),
            max_parallel=Budget(count=settings.max_parallel) if settings.max_parallel else Budget(),
            soak_seconds=settings.soak_seconds,
            deadline_seconds=settings.deadline_seconds,
            drain_seconds=settings.drain_seconds,
            strategy=settings.strategy,
            keep_warm_seconds=settings.keep_warm_seconds,
            canary=CanarySettings(
                share=settings.canary_share,
                requests=settings.canary_requests,
                seconds=settings.canary_seconds,
            ),
        )

    def _rollout(self, service: str) -> Rollout:
        entry = self._catalog.get(rollout_key(service))
        return decode(Rollout, entry.value) if entry else Rollout(service=service)

    def _members(self, service: str, entries: Sequence[Entry], world: World) -> tuple[Member, ...]:
        pool = PoolView(endpoints=self._catalog.endpoints(service), acks=world.acks, nodes=world.nodes.named)
        assignments = (world.assignments[entry.key] for entry in entries)
        return tuple(
            Member(
                assignment=assignment,
                report=world.reports.get(assignment.instance),
                is_in_pool=pool.is_in(assignment.instance),
                is_out_of_pool=pool.is_out(assignment.instance),
            )
            for assignment in assignments
        )


def _forget_if_silent(report: InstanceReport, nodes: Nodes) -> InstanceReport:
    """Return what is known of an instance now: of a silent node's, only a death that it told before."""
    is_known = report.node not in nodes.silent or report.verdicts.alive.is_no
    return report if is_known else replace(report, verdicts=Verdicts())
