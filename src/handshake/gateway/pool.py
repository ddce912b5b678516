"""Plans how a pool follows the catalogue's endpoints: add, open, and only then drain, close, remove."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from handshake.catalog.entries import Endpoint, Endpoints, Traffic


class Admission(StrEnum):
    """The admission state of a member, regardless of its health."""

    OPEN = "open"
    DRAINING = "draining"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, order=True)
class PoolMember:
    """One address in a pool, as the running router knows it."""

    name: str
    """The endpoint's id."""
    host: str
    port: int
    admission: Admission
    is_up: bool
    """Whether the router's check passed and no failure was seen since; unknown is False."""
    sessions: int
    """Requests that it is handling, or that wait for it."""

    def __str__(self) -> str:
        health = "up" if self.is_up else "down"
        return f"{self.name} at {self.host}:{self.port} {self.admission}, {health}, {self.sessions} requests"

    @property
    def is_serving(self) -> bool:
        """Whether new requests go to it."""
        return self.admission is Admission.OPEN and self.is_up


@dataclass(frozen=True, kw_only=True)
class RouterState:
    """The state read back from a running router."""

    digest: str
    """The configuration that it reports as served."""
    process: int
    """Process id of the worker that takes new connections."""
    leaving: tuple[int, ...] = ()
    """Process ids of earlier workers that still finish requests, possibly on members that are gone by now."""
    pools: dict[str, tuple[PoolMember, ...]] = field(default_factory=dict)
    """Service -> members, each pool sorted by name; pools that the configuration does not have are missing."""

    def proof(self, service: str) -> str:
        """Return what the router said of a pool, in one line, as the proof of an ack."""
        members = ", ".join(str(member) for member in self.pools.get(service, ()))
        return f"worker {self.process} serves {self.digest}; {service}: {members or 'no members'}"


# Steps: what can be asked of a router about one member of one pool.


@dataclass(frozen=True, kw_only=True)
class AddMember:
    """Add an endpoint to its pool: checked, but without traffic."""

    service: str
    endpoint: Endpoint


@dataclass(frozen=True, kw_only=True)
class OpenMember:
    """Send traffic to a member once the router's check passes."""

    service: str
    name: str


@dataclass(frozen=True, kw_only=True)
class DrainMember:
    """Send a member no new requests, and let it finish its current ones."""

    service: str
    name: str


@dataclass(frozen=True, kw_only=True)
class CloseMember:
    """Take a member without requests out of service."""

    service: str
    name: str


@dataclass(frozen=True, kw_only=True)
class RemoveMember:
    """Remove a closed member."""

    service: str
    name: str


PoolStep = AddMember | OpenMember | DrainMember | CloseMember | RemoveMember


# Moves a pool to where the catalogue's endpoints are: add, open, and only then drain, close, remove.


class Unknown(Enum):
    """The catalogue could not be asked. This differs from a pool that is known to be empty."""

    UNKNOWN = "unknown"


Wanted = Endpoints | Unknown


def plan_pool(service: str, wanted: Wanted, observed: RouterState) -> tuple[PoolStep, ...]:
    """Return the steps that can be taken now, in order; planning again after them goes on from there.

    Nothing that serves is drained before every wanted member serves. Nothing is removed while it has a
    request. Where the catalogue is unknown the last good set stays, and a pool that the router's
    configuration does not have waits for that.
    """
    if wanted is Unknown.UNKNOWN or service not in observed.pools:
        return ()
    members = observed.pools[service]
    return (*_openings(service, wanted, members), *_removals(service, wanted, members))


def explain_waiting(service: str, wanted: Wanted, observed: RouterState) -> tuple[str, ...]:
    """Return why the pool is not yet what the catalogue asks for, a sentence for each reason."""
    if wanted is Unknown.UNKNOWN:
        return ("the catalogue does not answer; the last known members are kept",)
    if service not in observed.pools:
        return (f"the running configuration has no pool {service}",)
    members = observed.pools[service]
    return (
        *(f"{endpoint.id} is not serving yet" for endpoint in _unserved(wanted, members)),
        *(
            f"{member.name} is still draining: {member.sessions} requests"
            for member in _unwanted(wanted, members)
        ),
        *(
            f"worker {process} of an earlier configuration still finishes requests"
            for process in observed.leaving
        ),
    )


def acked_revision(service: str, wanted: Wanted, observed: RouterState, before: int) -> int:
    """Return the catalogue's index that the pool serves, by what the running router said.

    That is `wanted`'s index once each open endpoint serves and every other member has left, from earlier
    workers too; until then it is what was acknowledged before.
    """
    if wanted is Unknown.UNKNOWN or explain_waiting(service, wanted, observed):
        return before
    return wanted.index


def _openings(service: str, wanted: Endpoints, members: tuple[PoolMember, ...]) -> list[PoolStep]:
    present = {member.name: member for member in members}
    steps: list[PoolStep] = []
    for endpoint in _open_endpoints(wanted):
        member = present.get(endpoint.id)
        if member is None:
            steps.append(AddMember(service=service, endpoint=endpoint))
        if member is None or (_is_at(member, endpoint) and member.admission is not Admission.OPEN):
            steps.append(OpenMember(service=service, name=endpoint.id))
    return steps


def _removals(service: str, wanted: Endpoints, members: tuple[PoolMember, ...]) -> list[PoolStep]:
    unwanted = _unwanted(wanted, members)
    leaving = {member.name for member in unwanted}
    # A member that has an endpoint's name at another address must leave before the endpoint can come.
    may_drain = all(endpoint.id in leaving for endpoint in _unserved(wanted, members))
    return [
        step
        for member in unwanted
        if may_drain or not member.is_serving
        for step in _removal_steps(service, member)
    ]


def _removal_steps(service: str, member: PoolMember) -> tuple[PoolStep, ...]:
    """Return what takes a member one station further; the drained are looked at again before they close."""
    close = CloseMember(service=service, name=member.name)
    remove = RemoveMember(service=service, name=member.name)
    match member.admission:
        case Admission.OPEN:
            return (DrainMember(service=service, name=member.name),)
        case Admission.DRAINING:
            return () if member.sessions else (close, remove)
        case Admission.CLOSED:
            return () if member.sessions else (remove,)


def _open_endpoints(wanted: Endpoints) -> list[Endpoint]:
    chosen = [endpoint for endpoint in wanted.endpoints if endpoint.traffic is Traffic.OPEN]
    return sorted(chosen, key=lambda endpoint: endpoint.id)


def _unserved(wanted: Endpoints, members: tuple[PoolMember, ...]) -> list[Endpoint]:
    """Return the open endpoints to which the router sends nothing yet."""
    return [
        endpoint
        for endpoint in _open_endpoints(wanted)
        if not any(member.is_serving and _is_at(member, endpoint) for member in members)
    ]


def _unwanted(wanted: Endpoints, members: tuple[PoolMember, ...]) -> list[PoolMember]:
    """Return the members that no open endpoint stands for."""
    endpoints = _open_endpoints(wanted)
    return [member for member in members if not any(_is_at(member, endpoint) for endpoint in endpoints)]


def _is_at(member: PoolMember, endpoint: Endpoint) -> bool:
    return (member.name, member.host, member.port) == (endpoint.id, endpoint.host, endpoint.port)
