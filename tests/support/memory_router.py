"""A gateway in memory: pools of members, each up while its check passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handshake.gateway.pool import (
    AddMember,
    Admission,
    CloseMember,
    DrainMember,
    OpenMember,
    PoolMember,
    PoolStep,
    RemoveMember,
    RouterState,
)


class MemoryRouter:
    """Follows the steps of `handshake.gateway.pool.plan_pool`; a member has no requests of its own."""

    def __init__(self, services: tuple[str, ...], is_up: Callable[[str, int], bool]) -> None:
        self._pools: dict[str, dict[str, PoolMember]] = {service: {} for service in services}
        self._is_up = is_up

    def observe(self) -> RouterState:
        """Return every pool, each member checked just now."""
        pools = {
            service: tuple(self._check(members[name]) for name in sorted(members))
            for service, members in self._pools.items()
        }
        return RouterState(digest="sha256:memory", process=1, pools=pools)

    def apply(self, step: PoolStep) -> None:
        """Carry out one step."""
        match step:
            case AddMember(service=service, endpoint=endpoint):
                self._pools[service][endpoint.id] = PoolMember(
                    name=endpoint.id,
                    host=endpoint.host,
                    port=endpoint.port,
                    admission=Admission.CLOSED,
                    is_up=False,
                    sessions=0,
                )
            case OpenMember(service=service, name=name):
                self._admit(service, name, Admission.OPEN)
            case DrainMember(service=service, name=name):
                self._admit(service, name, Admission.DRAINING)
            case CloseMember(service=service, name=name):
                self._admit(service, name, Admission.CLOSED)
            case RemoveMember(service=service, name=name):
                self._pools[service].pop(name, None)

    def _check(self, member: PoolMember) -> PoolMember:
        return replace(member, is_up=self._is_up(member.host, member.port))

    def _admit(self, service: str, name: str, admission: Admission) -> None:
        members = self._pools[service]
        members[name] = replace(members[name], admission=admission)
