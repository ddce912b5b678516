"""A router made of dictionaries: it keeps HAProxy's rules, and checks that nobody breaks ours."""

from __future__ import annotations

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

SERVICE = "hamm"


class SimulatedRouter:
    """One pool. Time passes with `tick`: checks pass, and requests end."""

    def __init__(self, members: tuple[PoolMember, ...]) -> None:
        self.members = {member.name: member for member in members}

    def observe(self) -> RouterState:
        """Return the pool as it is."""
        members = tuple(self.members[name] for name in sorted(self.members))
        return RouterState(digest="sha256:abc", process=1, pools={SERVICE: members})

    def apply(self, step: PoolStep) -> None:
        """Carry out one step as HAProxy does."""
        match step:
            case AddMember(endpoint=endpoint):
                assert endpoint.id not in self.members
                self.members[endpoint.id] = PoolMember(
                    name=endpoint.id,
                    host=endpoint.host,
                    port=endpoint.port,
                    admission=Admission.CLOSED,
                    is_up=False,
                    sessions=0,
                )
            case OpenMember(name=name):
                self._admit(name, Admission.OPEN)
            case DrainMember(name=name):
                self._admit(name, Admission.DRAINING)
            case CloseMember(name=name):
                assert not self.members[name].sessions, "closing would cut requests off"
                self._admit(name, Admission.CLOSED)
            case RemoveMember(name=name):
                self._remove(name)

    def tick(self) -> None:
        """Let every member pass its check, and end one request of each."""
        for name, member in self.members.items():
            self.members[name] = replace(member, is_up=True, sessions=max(0, member.sessions - 1))

    def _admit(self, name: str, admission: Admission) -> None:
        self.members[name] = replace(self.members[name], admission=admission)

    def _remove(self, name: str) -> None:
        member = self.members[name]
        assert member.admission is Admission.CLOSED
        if not member.sessions:
            del self.members[name]
