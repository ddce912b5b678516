"""The Protocol that every catalogue driver keeps, the embedded one and Consul alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from handshake.catalog.entries import CatalogEntry, CheckStatus, Endpoint, Endpoints, Operation, Snapshot


class Catalog(Protocol):
    """Key-value store, watches, locks and service register.

    Every method raises UnavailableError where the catalogue does not answer, and RefusedError where it
    does not accept the credential. A write whose answer was lost raises OutcomeUnknownError. All methods
    may be called from several threads.
    """

    def get(self, key: str) -> CatalogEntry | None:
        """Return one entry, None where the key does not exist."""
        ...

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix, sorted by key."""
        ...

    def watch(self, prefix: str, index: int, wait_seconds: float) -> Snapshot:
        """Return what is under a prefix once it differs from what it was at `index`, or after `wait_seconds`.

        Index 0 returns at once. Where the returned index is lower than the one given, the caller starts
        again from 0 (the catalogue was restored).
        """
        ...

    def transact(self, operations: Sequence[Operation]) -> None:
        """Carry out all operations or none; ConflictError where one does not hold. At most 64 operations."""
        ...

    def open_session(self, name: str, ttl_seconds: float) -> str:
        """Return a new session, which ends by itself unless it is renewed within `ttl_seconds` (10 or more)."""
        ...

    def renew_session(self, session: str) -> bool:
        """Keep a session alive; False where it has ended."""
        ...

    def close_session(self, session: str) -> None:
        """End a session; its locks are free at once."""
        ...

    def acquire(self, key: str, value: bytes, session: str) -> bool:
        """Take a key as a lock; False where another session holds it."""
        ...

    def register(self, endpoint: Endpoint, ttl_seconds: float) -> None:
        """Make an endpoint known, or change it; idempotent. Its check passes at first and must be refreshed."""
        ...

    def deregister(self, endpoint_id: str) -> None:
        """Make an endpoint unknown; one that is unknown already is no error."""
        ...

    def report(self, endpoint_id: str, status: CheckStatus, note: str) -> None:
        """Refresh an endpoint's check."""
        ...

    def endpoints(self, service: str, index: int = 0, wait_seconds: float = 0.0) -> Endpoints:
        """Return a service's endpoints, waiting like `watch` where an index is given."""
        ...

    def endpoints_index(self) -> int:
        """Return a number that is another one once any service's endpoint came, went or was described anew.

        What checks say does not count: where that matters, ask for `endpoints`.
        """
        ...
