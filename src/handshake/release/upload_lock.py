"""Publishing and collecting keep out of each other's way: what a publish finds in a region must stay there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ulid import ULID

from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import Delete
from handshake.catalog.keys import COLLECTING, UPLOADS, upload_key
from handshake.core.errors import RefusedError

_SECONDS = 3600.0
"""After so long, who was killed in the middle is in nobody's way any more."""


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """Says in the catalogue that somebody publishes, or that somebody collects."""

    catalog: Catalog

    @contextmanager
    def publishing(self, what: str) -> Iterator[None]:
        """Keep collections away while the block runs; RefusedError where one is under way."""
        key = upload_key(str(ULID()))
        with self._holding(key, what):
            if self._is_held(COLLECTING):
                raise RefusedError("objects are being collected right now", hint="Publish again in a minute.")
            yield

    @contextmanager
    def collecting(self, who: str) -> Iterator[None]:
        """Keep publishers away while the block runs; RefusedError where one is under way."""
        with self._holding(COLLECTING, who):
            for entry in self.catalog.read(UPLOADS).entries:
                if entry.session:
                    raise RefusedError(
                        f"somebody publishes right now: {entry.value.decode(errors='replace')}",
                        hint="Collect once that is over; a publisher that was killed counts for an hour.",
                    )
            yield

    @contextmanager
    def _holding(self, key: str, value: str) -> Iterator[None]:
        session = self.catalog.open_session("uploads", _SECONDS)
        try:
            if not self.catalog.acquire(key, value.encode(), session):
                raise RefusedError("somebody else collects right now", hint="Wait until that is over.")
            try:
                yield
            finally:
                self.catalog.transact([Delete(key=key)])
        finally:
            self.catalog.close_session(session)

    def _is_held(self, key: str) -> bool:
        entry = self.catalog.get(key)
        return entry is not None and bool(entry.session)
