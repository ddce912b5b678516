"""The number of instances of a service: set by the leader from metrics, or by an operator, who takes precedence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import HeldLock, Operation, Put
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import MEASURES, SCALE, scale_key
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.core.outcome import Outcome
from handshake.fleet.nodes import Nodes
from handshake.fleet.scaling import AUTOSCALER, NodeMeasures, Scale, ServiceLoad, add_load, choose_scale
from handshake.fleet.settings import ServiceSettings


class Scaler:
    """Adjusts every service's number to its load."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def cycle(
        self, services: Mapping[str, ServiceSettings], nodes: Nodes, fence: HeldLock, now: float
    ) -> tuple[Outcome, ...]:
        """Look at every service that has targets or a record; one outcome for each whose number changed."""
        measured = tuple(decode(NodeMeasures, entry.value) for entry in self._catalog.read(MEASURES).entries)
        records = {entry.key: entry for entry in self._catalog.read(SCALE).entries}
        outcomes: list[Outcome | None] = []
        for service, settings in sorted(services.items()):
            load = add_load(service, measured, nodes.answering, now)
            entry = records.get(scale_key(service))
            before, index = (decode(Scale, entry.value), entry.index) if entry else (None, 0)
            after = _choose(service, settings, before, load, now)
            if after and after != before:
                outcomes.append(self._write(before, after, index, fence))
        return tuple(filter(None, outcomes))

    def _write(self, before: Scale | None, after: Scale, index: int, fence: HeldLock) -> Outcome | None:
        """Write the record; a new number is told and journalled, a new moment of a cool-down is not."""
        put = Put(key=scale_key(after.service), value=encode(after), if_index=index)
        if before and after.wanted == before.wanted:
            self._catalog.transact([fence, put])
            return None
        sentence = f"{after.service}: {after.wanted} instances: {after.reason}"
        self._catalog.transact([fence, put, journal_write(AUTOSCALER, sentence, after.moved_at)])
        return Outcome(sentence=sentence, changed=True)


def _choose(
    service: str, settings: ServiceSettings, before: Scale | None, load: ServiceLoad | None, now: float
) -> Scale | None:
    """Return the record after one look; None if there is nothing to say about this service."""
    targets = settings.scaling.targets()
    if before is None and not targets.is_on:
        return None
    known = before or Scale(service=service, wanted=settings.floor)
    after = choose_scale(known, targets, load, floor=settings.floor, ceiling=settings.ceiling, now=now)
    return before if after == known else after


# How many instances a service should have: the number of the autoscaler, or that of a person, which wins.


def read_scale(catalog: Catalog, service: str) -> tuple[Scale | None, int]:
    """Return a service's record with its index; None and 0 if nobody ever said a number."""
    entry = catalog.get(scale_key(service))
    return (decode(Scale, entry.value), entry.index) if entry else (None, 0)


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Sets the number of instances for an operator. Works while the control plane is down."""

    who: str
    catalog: Catalog
    clock: Clock

    def hold(
        self,
        services: Mapping[str, ServiceSettings],
        service: str,
        count: int,
        *,
        reason: str,
        seconds: float | None,
    ) -> Scale:
        """Ask for a number of instances, for a time or for good; it wins over the autoscaler's.

        RefusedError for an unknown service and for a number that the policy does not allow.
        """
        settings = _find(services, service)
        if not settings.floor <= count <= settings.ceiling:
            raise RefusedError(
                f"{service} must have between {settings.floor} and {settings.ceiling} instances, not {count}",
                hint="To change floor and ceiling, edit handshake.toml, then plan and apply.",
            )
        now = self.clock.now()
        until = None if seconds is None else now + seconds
        scale = Scale(service=service, wanted=count, owner=self.who, reason=reason, moved_at=now, until=until)
        _, index = read_scale(self.catalog, service)
        return self._write(scale, index, f"{service}: {count} instances: {reason}")

    def release(self, services: Mapping[str, ServiceSettings], service: str, *, reason: str) -> Scale:
        """Let the autoscaler decide again, from the present number on. RefusedError where it does already."""
        _find(services, service)
        before, index = read_scale(self.catalog, service)
        if before is None or not before.is_held(self.clock.now()):
            raise RefusedError(f"the number of {service} is not set by hand")
        scale = replace(before, owner=AUTOSCALER, until=None, reason=reason, moved_at=self.clock.now())
        return self._write(scale, index, f"{service}: the autoscaler decides again: {reason}")

    def _write(self, scale: Scale, index: int, told: str) -> Scale:
        put = Put(key=scale_key(scale.service), value=encode(scale), if_index=index)
        operations: list[Operation] = [put, journal_write(self.who, told, self.clock.now())]
        self.catalog.transact(operations)
        return scale


def _find(services: Mapping[str, ServiceSettings], service: str) -> ServiceSettings:
    if service not in services:
        known = ", ".join(sorted(services))
        raise RefusedError(f"the policy has no service {service}", hint=f"It has: {known}.")
    return services[service]
