"""The leader's fleets: observes the world, asks the engine for each service, and carries out its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import CatalogEntry, HeldLock
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.outcome import Outcome
from handshake.core.subject import Kind, Subject
from handshake.fleet.engine.freeze import Calendar
from handshake.fleet.engine.placement import Placement
from handshake.fleet.engine.plan import plan
from handshake.fleet.engine.state import Budget, Desired, FleetMember, FleetSettings, Observed, Rollout
from handshake.fleet.engine.strategy import CanarySettings
from handshake.fleet.generations import GenerationReader
from handshake.fleet.nodes import Nodes
from handshake.fleet.rollouts.observe import Pools, PoolView, World, read_world
from handshake.fleet.rollouts.steps import StepRunner, has_way_back
from handshake.fleet.scaling import Scale
from handshake.fleet.settings import ServiceSettings
from handshake.pointers.acks import pool_subject
from handshake.pointers.pointer import Pointer
from handshake.release.image_contract import Contract


class Fleets:
    """Plans and carries out the replacement of every service's fleet."""

    def __init__(
        self,
        catalog: Catalog,
        runner: StepRunner,
        targets: GenerationReader,
    ) -> None:
        self._catalog = catalog
        self._pools = Pools(catalog)
        self._runner = runner
        self._targets = targets

    def cycle(
        self,
        services: Mapping[str, ServiceSettings],
        pointers: Mapping[Subject, Pointer],
        nodes: Nodes,
        *,
        calendar: Calendar,
        fence: HeldLock,
        now: float,
    ) -> tuple[Outcome, ...]:
        """Move every service one step; one outcome each."""
        self._pools.refresh()
        world = read_world(self._catalog, pointers, calendar, nodes, fence=fence, now=now)
        return tuple(
            self._move(service, settings, world)
            for service, settings in sorted(services.items())
            if Subject(kind=Kind.IMAGE, name=service) in pointers
        )

    def _move(self, service: str, settings: ServiceSettings, world: World) -> Outcome:
        """Move one service one step; an image that cannot be read holds up no other service, and no replacement."""
        image = world.pointers[Subject(kind=Kind.IMAGE, name=service)]
        try:
            contract = self._targets.contract(service, world.pointers)
        except RefusedError as error:
            if has_way_back(image):
                return self._runner.send_back(image, error.what, fence=world.fence)
            unreadable = f"{error.what}: promote another release"
            return self._follow(self._keep(image, settings, unreadable, world), world)
        except UnavailableError as error:
            return self._follow(self._keep(image, settings, error.what, world), world)
        desired = self._desire(image, settings, contract, world)
        if desired is None:
            sentence = f"{service}: waits for the templates that it serves to be promoted"
            return Outcome(sentence=sentence, changed=False)
        return self._follow(desired, world)

    def _follow(self, desired: Desired, world: World) -> Outcome:
        service = desired.service
        own = world.entries_by_service.get(service, ())
        observed = Observed(
            rollout=world.rollouts.get(service, Rollout(service=service)),
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
            settings=_size(settings, world.scales.get(service)),
            hold=world.holds.get(service),
            freeze=world.freeze,
        )

    def _keep(self, image: Pointer, settings: ServiceSettings, unreadable: str, world: World) -> Desired:
        """Return what is asked of a fleet while nobody can read what its image asks for."""
        service = image.subject.name
        return Desired(
            service=service,
            image=image,
            settings=_size(settings, world.scales.get(service)),
            unreadable=unreadable,
        )

    def _members(
        self, service: str, entries: Sequence[CatalogEntry], world: World
    ) -> tuple[FleetMember, ...]:
        pool = PoolView(
            endpoints=self._pools.endpoints(service),
            acks=world.acks_by_subject.get(pool_subject(service), ()),
            nodes=world.nodes.named,
        )
        assignments = (world.assignments[entry.key] for entry in entries)
        return tuple(
            FleetMember(
                assignment=assignment,
                report=world.reports.get(assignment.instance),
                is_in_pool=pool.is_in(assignment.instance),
                is_out_of_pool=pool.is_out(assignment.instance),
            )
            for assignment in assignments
        )


def _size(settings: ServiceSettings, scale: Scale | None) -> FleetSettings:
    """Return a fleet's settings, with as many instances as somebody or the load asks for."""
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
