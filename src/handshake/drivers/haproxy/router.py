"""HAProxy as the gateway's router: servers of the running backends, read back and changed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from handshake.core.errors import OutcomeUnknownError, RefusedError, UnavailableError
from handshake.drivers.haproxy.reload import Master, Reload
from handshake.drivers.haproxy.runtime import Runtime
from handshake.gateway.haproxy import MEMBER_WORDS, member_address
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

# Servers of the running backends: read back, added, opened, drained, closed, removed.

_ADDED = "New server registered."
_EXISTS = "Already exists a server with the same name in backend."
_DELETED = "Server deleted."
_ABSENT = "No such server."
_BUSY = "Server still has connections attached to it, cannot remove it."

_MAINTENANCE_BITS = 0x01 | 0x02 | 0x04 | 0x20 | 0x40
_DRAIN_BITS = 0x08 | 0x10
_RUNNING = {"1", "2"}
"""Starting slowly, and running."""
_UNCHECKED = {"", "UNK", "INI"}
_BACKENDS_AND_SERVERS = ("show", "stat", "-1", "6", "-1")
_BACKENDS = ("show", "stat", "-1", "2", "-1")
_BACKEND_ROW = "BACKEND"


class Order(StrEnum):
    """The state that a server was ordered to, in HAProxy's words."""

    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server as the running program knows it."""

    name: str
    host: str
    port: int
    order: Order
    is_running: bool
    """Whether HAProxy considers it healthy."""
    is_checked: bool
    """Whether a health check has ended since the program or the server started: before, it is believed blindly."""
    sessions: int
    """Requests in its hands and in its queue."""


class Servers:
    """The servers of one running program."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def read(self) -> dict[str, tuple[Server, ...]]:
        """Return every backend with its servers, sorted by name."""
        states = self._runtime.ask("show", "servers", "state")
        stats = self._runtime.ask(*_BACKENDS_AND_SERVERS)
        return parse_servers(states, stats)

    def count_requests(self) -> dict[str, float]:
        """Return the requests that each backend was given since this worker started."""
        stats = self._runtime.ask(*_BACKENDS)
        return parse_requests(stats)

    def add(self, backend: str, name: str, address: str, words: Sequence[str]) -> None:
        """Add a server in maintenance, with its health check where the words have `check`.

        One of this name that exists already is kept. The words are all it gets: `default-server` does not
        hold for a server added at runtime.
        """
        answer = self._runtime.ask("add", "server", f"{backend}/{name}", address, *words)
        if answer not in {_ADDED, _EXISTS}:
            raise RefusedError(f"HAProxy refused to add {backend}/{name}", details=answer)
        if "check" in words:
            self._runtime.tell("enable", "health", f"{backend}/{name}")

    def order(self, backend: str, name: str, order: Order) -> None:
        """Order a server to a state; idempotent. RefusedError for an unknown server."""
        self._runtime.tell("set", "server", f"{backend}/{name}", "state", order.value)

    def remove(self, backend: str, name: str) -> bool:
        """Forget a server; False if a connection to it has not ended yet: try again later.

        One that is absent is not an error. RefusedError unless it is in maintenance.
        """
        answer = self._runtime.ask("del", "server", f"{backend}/{name}")
        if answer not in {_DELETED, _ABSENT, _BUSY}:
            raise RefusedError(f"HAProxy refused to remove {backend}/{name}", details=answer)
        return answer != _BUSY


def parse_servers(states: str, stats: str) -> dict[str, tuple[Server, ...]]:
    """Return what `show servers state` and `show stat` say together; OutcomeUnknownError for other texts."""
    try:
        rows = {(row["pxname"], row["svname"]): row for row in _table(stats.splitlines(), ",")}
        found: dict[str, list[Server]] = {proxy: [] for proxy, name in rows if name == _BACKEND_ROW}
        for state in _table(states.splitlines()[1:], " "):
            key = state["be_name"], state["srv_name"]
            # A server that was added or removed between the two questions is told of next time.
            if key in rows and key[0] in found:
                found[key[0]].append(_parse_server(state, rows[key]))
    except (KeyError, ValueError) as error:
        raise OutcomeUnknownError("HAProxy's servers cannot be read", details=str(error)) from error
    return {proxy: tuple(sorted(servers, key=lambda each: each.name)) for proxy, servers in found.items()}


def parse_requests(stats: str) -> dict[str, float]:
    """Return the requests of each backend in `show stat`; OutcomeUnknownError for another text."""
    try:
        rows = _table(stats.splitlines(), ",")
        return {row["pxname"]: float(row["req_tot"] or 0) for row in rows if row["svname"] == _BACKEND_ROW}
    except (KeyError, ValueError) as error:
        raise OutcomeUnknownError("HAProxy's counters cannot be read", details=str(error)) from error


def _table(lines: Sequence[str], separator: str) -> Iterator[dict[str, str]]:
    """Read a table whose first line is `# name name ...`."""
    if not lines or not lines[0].startswith("# "):
        raise ValueError(f"not a table: {lines[:1]}")
    header = lines[0].removeprefix("# ").split(separator)
    return csv.DictReader(lines[1:], fieldnames=header, delimiter=separator)


def _parse_server(state: dict[str, str], row: dict[str, str]) -> Server:
    return Server(
        name=state["srv_name"],
        host=state["srv_addr"],
        port=int(state["srv_port"]),
        order=_parse_order(int(state["srv_admin_state"])),
        is_running=state["srv_op_state"] in _RUNNING,
        # "* " says that the next check is on its way.
        is_checked=row["check_status"].removeprefix("* ") not in _UNCHECKED,
        sessions=int(row["scur"]) + int(row["qcur"]),
    )


def _parse_order(bits: int) -> Order:
    if bits & _MAINTENANCE_BITS:
        return Order.MAINT
    return Order.DRAIN if bits & _DRAIN_BITS else Order.READY


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


def _to_member(server: Server) -> PoolMember:
    return PoolMember(
        name=server.name,
        host=server.host,
        port=server.port,
        admission=_ADMISSIONS[server.order],
        is_up=server.is_running and server.is_checked,
        sessions=server.sessions,
    )
