"""HAProxy as the gateway's router."""

from __future__ import annotations

from handshake.core.errors import UnavailableError
from handshake.drivers.haproxy.master import Master
from handshake.drivers.haproxy.reload import Reload
from handshake.drivers.haproxy.runtime import Runtime
from handshake.drivers.haproxy.servers import Order, Server, Servers
from handshake.gateway.haproxy.member import MEMBER_WORDS, member_address
from handshake.gateway.member import Admission, Member, RouterState
from handshake.gateway.step import AddMember, CloseMember, DrainMember, OpenMember, PoolStep, RemoveMember

_ADMISSIONS = {
    Order.READY: Admission.OPEN,
    Order.DRAIN: Admission.DRAINING,
    Order.MAINT: Admission.CLOSED,
}


class HaproxyRouter:
    """A running HAProxy that keeps the gateway's Router Protocol."""

    def __init__(self, runtime: Runtime, master: Master, reload: Reload) -> None:
        self._runtime = runtime
        self._master = master
        self._reload = reload
        self._servers = Servers(runtime)

    def observe(self) -> RouterState:
        """Return what the running worker says; UnavailableError while one worker follows another."""
        workers = self._master.workers()
        info = self._runtime.info()
        pools = self._servers.read()
        if not workers.current == info.process == self._runtime.info().process:
            raise UnavailableError("a reload is under way: another worker answers now")
        return RouterState(
            digest=info.description,
            process=info.process,
            leaving=workers.leaving,
            pools={name: tuple(map(_to_member, servers)) for name, servers in pools.items()},
        )

    def apply(self, step: PoolStep) -> None:
        """Carry out one step; RefusedError where HAProxy does not accept it."""
        match step:
            case AddMember(service=service, endpoint=endpoint):
                self._servers.add(service, endpoint.id, member_address(endpoint), MEMBER_WORDS)
            case OpenMember(service=service, name=name):
                self._servers.order(service, name, Order.READY)
            case DrainMember(service=service, name=name):
                self._servers.order(service, name, Order.DRAIN)
            case CloseMember(service=service, name=name):
                self._servers.order(service, name, Order.MAINT)
            case RemoveMember(service=service, name=name):
                # Where it cannot go yet, the next cycle sees it still there and plans this step again.
                self._servers.remove(service, name)

    def reconfigure(self, text: str, digest: str) -> None:
        """Reload without losing a request; the old configuration stays where the new one is refused."""
        self._reload.serve(text, digest)

    def keep(self, text: str) -> None:
        """Put a configuration where the next start finds it."""
        self._reload.keep(text)


def _to_member(server: Server) -> Member:
    return Member(
        name=server.name,
        host=server.host,
        port=server.port,
        admission=_ADMISSIONS[server.order],
        is_up=server.is_running and server.is_checked,
        sessions=server.sessions,
    )
