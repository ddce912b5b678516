"""One process's way to the catalogue, on which a test may do something before or after any call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

from handshake.catalog.catalog import Catalog
from handshake.catalog.endpoint import CheckStatus, Endpoint, Endpoints
from handshake.catalog.entry import Entry, Operation, Snapshot
from handshake.core.errors import UnavailableError

Answer = TypeVar("Answer")


class Call(StrEnum):
    """What kind of call is on its way."""

    READ = "read"
    TRANSACT = "transact"
    SESSION = "session"
    REGISTER = "register"


Fault = Callable[[Call], None]
"""Called around a call; what it raises, the caller meets in place of an answer."""


def no_fault(_: Call) -> None:
    """Let the call pass."""


def no_answer(_: Call) -> None:
    """Be a catalogue that does not answer."""
    raise UnavailableError("the catalogue does not answer")


class FaultyCatalog:
    """Keeps the Protocol of `Catalog` over another one. `before` keeps a call from happening, `after` its answer."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.before: Fault = no_fault
        self.after: Fault = no_fault

    def get(self, key: str) -> Entry | None:
        """Return one entry."""
        return self._pass(Call.READ, lambda: self._catalog.get(key))

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix."""
        return self._pass(Call.READ, lambda: self._catalog.read(prefix))

    def watch(self, prefix: str, index: int, wait_seconds: float) -> Snapshot:
        """Return what is under a prefix once it differs."""
        return self._pass(Call.READ, lambda: self._catalog.watch(prefix, index, wait_seconds))

    def transact(self, operations: Sequence[Operation]) -> None:
        """Carry out all operations or none."""
        self._pass(Call.TRANSACT, lambda: self._catalog.transact(operations))

    def open_session(self, name: str, ttl_seconds: float) -> str:
        """Return a new session."""
        return self._pass(Call.SESSION, lambda: self._catalog.open_session(name, ttl_seconds))

    def renew_session(self, session: str) -> bool:
        """Keep a session alive."""
        return self._pass(Call.SESSION, lambda: self._catalog.renew_session(session))

    def close_session(self, session: str) -> None:
        """End a session."""
        self._pass(Call.SESSION, lambda: self._catalog.close_session(session))

    def acquire(self, key: str, value: bytes, session: str) -> bool:
        """Take a key as a lock."""
        return self._pass(Call.SESSION, lambda: self._catalog.acquire(key, value, session))

    def register(self, endpoint: Endpoint, ttl_seconds: float) -> None:
        """Make an endpoint known."""
        self._pass(Call.REGISTER, lambda: self._catalog.register(endpoint, ttl_seconds))

    def deregister(self, endpoint_id: str) -> None:
        """Make an endpoint unknown."""
        self._pass(Call.REGISTER, lambda: self._catalog.deregister(endpoint_id))

    def report(self, endpoint_id: str, status: CheckStatus, note: str) -> None:
        """Refresh an endpoint's check."""
        self._pass(Call.REGISTER, lambda: self._catalog.report(endpoint_id, status, note))

    def endpoints(self, service: str, index: int = 0, wait_seconds: float = 0.0) -> Endpoints:
        """Return a service's endpoints."""
        return self._pass(Call.READ, lambda: self._catalog.endpoints(service, index, wait_seconds))

    def endpoints_index(self) -> int:
        """Return a number that is another one once any endpoint changed."""
        return self._pass(Call.READ, self._catalog.endpoints_index)

    def _pass(self, call: Call, ask: Callable[[], Answer]) -> Answer:
        self.before(call)
        answer = ask()
        self.after(call)
        return answer
