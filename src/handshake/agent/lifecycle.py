"""A campaign's own three processes: catalogue, agent, control. The agent starts everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from handshake.catalog.catalog import Catalog
from handshake.catalog.keys import LEADER
from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.release.node_paths import NodePaths

CATALOG, AGENT, CONTROL = "catalog", "agent", "control"
_ROUTERS = ("ingress", "cache", "gateway")
_IN_ORDER = {CONTROL, AGENT, CATALOG, *_ROUTERS}
_START_SECONDS = 20.0
_PAUSE_SECONDS = 0.05
_STOP_SECONDS = 10.0


class Supervision(Protocol):
    """Starts and stops supervised programs, which outlive the process that started them."""

    def start(self, name: str, argv: Sequence[str]) -> bool:
        """Start a program that is started again in place when it ends; False if it runs already."""
        ...

    def stop(self, name: str, seconds: float) -> None:
        """End a program for good, by force after so many seconds; idempotent."""
        ...

    def programs(self) -> tuple[str, ...]:
        """Return the names of all programs that were started and not forgotten."""
        ...

    def instances(self) -> tuple[str, ...]:
        """Return the names of all instances that were launched and not forgotten."""
        ...

    def stop_instance(self, name: str, seconds: float) -> None:
        """End an instance, by force after so many seconds."""
        ...

    def log_tail(self, name: str) -> tuple[str, ...]:
        """Return the last lines that a program wrote."""
        ...


class Lifecycle:
    """Starts and stops one campaign's processes on this node."""

    def __init__(
        self, paths: NodePaths, supervision: Supervision, clock: Clock, *, python: str, credentials: str
    ) -> None:
        self._paths = paths
        self._supervision = supervision
        self._clock = clock
        self._python = python
        self._credentials = credentials

    def start(self, catalog: Callable[[], Catalog], ask_agent: Callable[[str], None]) -> tuple[str, ...]:
        """Start what does not run, the catalogue first; return the names of what was started.

        A node that joined has no catalogue and no control process of its own.

        `ask_agent` asks at an address whether an agent is ready: UnavailableError while none is.
        """
        is_home = self._paths.is_home
        started = [CATALOG] if is_home and self._supervision.start(CATALOG, self._catalog_argv()) else []
        self._wait_for(CATALOG, lambda: catalog().get(LEADER))
        own = (AGENT, CONTROL) if is_home else (AGENT,)
        started += [name for name in own if self._supervision.start(name, self._own_argv(name))]
        # What an earlier agent acknowledged is withdrawn before this one answers: then no old ack is believed.
        self._wait_for(AGENT, lambda: ask_agent(self._paths.agent))
        return tuple(started)

    def stop(self, tell: Callable[[str], None]) -> None:
        """Stop everything: first those who would start things again, then ingresses before what is behind them."""
        self._stop_programs((CONTROL, AGENT), tell)
        # Only now is nobody left who would start another one.
        self._stop_programs(_ROUTERS, tell)
        for name in self._supervision.instances():
            tell(name)
            self._supervision.stop_instance(name, _STOP_SECONDS)
        others = (name for name in self._supervision.programs() if name not in _IN_ORDER)
        self._stop_programs((*others, CATALOG), tell)

    def _stop_programs(self, names: Iterable[str], tell: Callable[[str], None]) -> None:
        known = self._supervision.programs()
        for name in names:
            if name in known:
                tell(name)
                self._supervision.stop(name, _STOP_SECONDS)

    def _catalog_argv(self) -> tuple[str, ...]:
        return (
            *(self._python, "-m", "handshake.drivers.embedded_catalog"),
            *("--listen", self._paths.catalog, "--data", str(self._paths.data / "catalog")),
            *("--credentials", self._credentials, "--node", self._paths.node),
        )

    def _own_argv(self, name: str) -> tuple[str, ...]:
        return (self._python, "-m", "handshake.cli.main", name, "--node-file", str(self._paths.file))

    def _wait_for(self, name: str, ask: Callable[[], object]) -> None:
        deadline = self._clock.monotonic() + _START_SECONDS
        while self._clock.monotonic() < deadline:
            try:
                ask()
            except HandshakeError:
                self._clock.sleep(_PAUSE_SECONDS)
            else:
                return
        tail = "\n".join(self._supervision.log_tail(name))
        raise UnavailableError(f"{name} was started but does not answer", details=tail)
