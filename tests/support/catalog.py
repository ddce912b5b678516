"""A catalogue in memory, and one process's way to it on which a test may let any call fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import count
from typing import TypeVar

from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import (
    CatalogEntry,
    CheckStatus,
    Delete,
    Endpoint,
    Endpoints,
    HeldLock,
    Operation,
    Put,
    Snapshot,
    Write,
)
from handshake.core.clock import Clock
from handshake.core.errors import ConflictError, RefusedError, UnavailableError
from tests.support.clock import FakeClock

_STANDING = FakeClock()
"""By a clock that nobody moves, no session ends by itself."""


class MemoryCatalog:
    """Keeps the Protocol of `handshake.catalog.catalog.Catalog`."""

    def __init__(self, clock: Clock = _STANDING) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._index = 1
        self._entries: dict[str, CatalogEntry] = {}
        self._prefix_index: dict[str, int] = {}
        self._sessions: dict[str, tuple[float, float]] = {}
        """Time to live, and when it was last renewed."""
        self._endpoints: dict[str, Endpoint] = {}
        self._service_index: dict[str, int] = {}
        self._numbers = count(1)

    def get(self, key: str) -> CatalogEntry | None:
        """Return one entry, None where the key does not exist."""
        self._end_sessions()
        with self._changed:
            return self._entries.get(key)

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix, sorted by key."""
        self._end_sessions()
        with self._changed:
            return self._snapshot(prefix)

    def watch(self, prefix: str, index: int, wait_seconds: float) -> Snapshot:
        """Return what is under a prefix once it differs from what it was at `index`, or after the wait."""
        with self._changed:
            if index:
                self._changed.wait_for(lambda: self._snapshot(prefix).index != index, wait_seconds)
            return self._snapshot(prefix)

    def transact(self, operations: Sequence[Operation]) -> None:
        """Carry out all operations or none; ConflictError where one does not hold."""
        self._end_sessions()
        with self._changed:
            for operation in operations:
                self._require(operation)
            self._index += 1
            for operation in operations:
                self._apply(operation)
            self._changed.notify_all()

    def open_session(self, name: str, ttl_seconds: float) -> str:
        """Return a new session, which ends by the clock unless it is renewed."""
        session = f"{name}-{next(self._numbers)}"
        self._sessions[session] = (ttl_seconds, self._clock.monotonic())
        return session

    def renew_session(self, session: str) -> bool:
        """Keep a session alive; False where it has ended."""
        self._end_sessions()
        if session not in self._sessions:
            return False
        self._sessions[session] = (self._sessions[session][0], self._clock.monotonic())
        return True

    def close_session(self, session: str) -> None:
        """End a session; its locks are free at once."""
        with self._changed:
            self._sessions.pop(session, None)
            self._index += 1
            for key, entry in list(self._entries.items()):
                if entry.session == session:
                    self._store(replace(entry, session="", index=self._index), key)
            self._changed.notify_all()

    def acquire(self, key: str, value: bytes, session: str) -> bool:
        """Take a key as a lock; False where another session holds it."""
        self._end_sessions()
        with self._changed:
            if session not in self._sessions:
                raise RefusedError(f"session {session} has ended")
            holder = self._entries[key].session if key in self._entries else ""
            if holder not in {"", session}:
                return False
            self._index += 1
            self._store(CatalogEntry(key=key, value=value, index=self._index, session=session), key)
            self._changed.notify_all()
            return True

    def register(self, endpoint: Endpoint, ttl_seconds: float) -> None:
        """Make an endpoint known, or change it; idempotent."""
        del ttl_seconds
        with self._changed:
            known = self._endpoints.get(endpoint.id)
            if known and replace(known, revision=0, status=endpoint.status) == replace(endpoint, revision=0):
                return
            self._index += 1
            self._endpoints[endpoint.id] = replace(endpoint, revision=self._index)
            self._service_index[endpoint.service] = self._index
            self._changed.notify_all()

    def deregister(self, endpoint_id: str) -> None:
        """Make an endpoint unknown; one that is unknown already is no error."""
        with self._changed:
            if gone := self._endpoints.pop(endpoint_id, None):
                self._index += 1
                self._service_index[gone.service] = self._index
                self._changed.notify_all()

    def report(self, endpoint_id: str, status: CheckStatus, note: str) -> None:
        """Refresh an endpoint's check."""
        del note
        with self._changed:
            if endpoint_id not in self._endpoints:
                raise RefusedError(f"endpoint {endpoint_id} is unknown")
            known = self._endpoints[endpoint_id]
            if known.status is not status:
                self._index += 1
                self._endpoints[endpoint_id] = replace(known, status=status)
                self._service_index[known.service] = self._index
                self._changed.notify_all()

    def endpoints(self, service: str, index: int = 0, wait_seconds: float = 0.0) -> Endpoints:
        """Return a service's endpoints, waiting like `watch` where an index is given."""
        with self._changed:
            if index:
                self._changed.wait_for(lambda: self._service_index.get(service, 1) != index, wait_seconds)
            found = (endpoint for endpoint in self._endpoints.values() if endpoint.service == service)
            return Endpoints(
                index=self._service_index.get(service, 1),
                endpoints=tuple(sorted(found, key=lambda endpoint: endpoint.id)),
            )

    def endpoints_index(self) -> int:
        """Return a number that is another one once any endpoint changed."""
        with self._changed:
            return max(self._service_index.values(), default=1)

    def _end_sessions(self) -> None:
        now = self._clock.monotonic()
        for session, (ttl_seconds, renewed_at) in list(self._sessions.items()):
            if now - renewed_at > ttl_seconds:
                self.close_session(session)

    def _snapshot(self, prefix: str) -> Snapshot:
        entries = tuple(self._entries[key] for key in sorted(self._entries) if key.startswith(prefix))
        touched = [index for key, index in self._prefix_index.items() if key.startswith(prefix)]
        return Snapshot(index=max(touched, default=1), entries=entries)

    def _require(self, operation: Operation) -> None:
        entry = self._entries.get(operation.key)
        match operation:
            case Put(if_index=index) if index != (entry.index if entry else 0):
                raise ConflictError(f"{operation.key} is not at index {index} any more")
            case HeldLock(session=session) if entry is None or entry.session != session:
                raise ConflictError(f"{operation.key} is not held by {session} any more")
            case _:
                pass

    def _apply(self, operation: Operation) -> None:
        match operation:
            case Put(key=key, value=value) | Write(key=key, value=value):
                session = self._entries[key].session if key in self._entries else ""
                self._store(CatalogEntry(key=key, value=value, index=self._index, session=session), key)
            case Delete(key=key):
                if self._entries.pop(key, None):
                    self._prefix_index[key] = self._index
            case HeldLock():
                pass

    def _store(self, entry: CatalogEntry, key: str) -> None:
        self._entries[key] = entry
        self._prefix_index[key] = self._index


# One process's way to the catalogue, on which a test may do something before or after any call.

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

    def get(self, key: str) -> CatalogEntry | None:
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
