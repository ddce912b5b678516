"""The Protocol of all catalogue drivers, the embedded one and Consul."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from handshake.catalog.entries import CatalogEntry, CheckStatus, Endpoint, Endpoints, Operation, Snapshot


class Catalog(Protocol):
    """Key-value store, watches, locks and service register.

    Every method raises UnavailableError if the catalogue does not answer, and RefusedError if it
    does not accept the credential. A write whose answer was lost raises OutcomeUnknownError. All methods
    may be called from several threads.
    """

    def get(self, key: str) -> CatalogEntry | None:
        """Return one entry, None if the key does not exist."""
        ...

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix, sorted by key."""
        ...

    def watch(self, prefix: str, index: int, wait_seconds: float) -> Snapshot:
        """Return what is under a prefix once it differs from its state at `index`, or after `wait_seconds`.

        Index 0 returns at once. If the returned index is lower than the given one, the caller starts
        again from 0 (the catalogue was restored).
        """
        ...

    def transact(self, operations: Sequence[Operation]) -> None:
        """Carry out all operations or none; ConflictError if a condition fails. At most 64 operations."""
        ...

    def open_session(self, name: str, ttl_seconds: float) -> str:
        """Return a new session, which expires unless it is renewed within `ttl_seconds` (10 or more)."""
        ...

    def renew_session(self, session: str) -> bool:
        """Renew a session; False if it has ended."""
        ...

    def close_session(self, session: str) -> None:
        """End a session; its locks are released at once."""
        ...

    def acquire(self, key: str, value: bytes, session: str) -> bool:
        """Take a key as a lock; False if another session holds it."""
        ...

    def register(self, endpoint: Endpoint, ttl_seconds: float) -> None:
        """Register or update an endpoint; idempotent. Its check passes at first and must be refreshed."""
        ...

    def deregister(self, endpoint_id: str) -> None:
        """Deregister an endpoint; an unknown one is not an error."""
        ...

    def report(self, endpoint_id: str, status: CheckStatus, note: str) -> None:
        """Refresh an endpoint's check."""
        ...

    def endpoints(self, service: str, index: int = 0, wait_seconds: float = 0.0) -> Endpoints:
        """Return a service's endpoints; waits like `watch` if an index is given."""
        ...

    def endpoints_index(self) -> int:
        """Return a number that changes whenever any service's endpoint is added, removed or updated.

        Changes of check status do not count: use `endpoints` for those.
        """
        ...
