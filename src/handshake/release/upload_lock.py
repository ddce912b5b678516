"""Keeps publishing and collecting apart: objects that a publish finds in a region must not be deleted."""

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
"""After this time, a killed process no longer blocks others."""


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """Marks in the catalogue that a publish or a collection is running."""

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
                        f"a publish is running: {entry.value.decode(errors='replace')}",
                        hint="Collect once it has finished; after a killed publish, wait an hour.",
                    )
            yield

    @contextmanager
    def _holding(self, key: str, value: str) -> Iterator[None]:
        session = self.catalog.open_session("uploads", _SECONDS)
        try:
            if not self.catalog.acquire(key, value.encode(), session):
                raise RefusedError("another collection is running", hint="Wait until it has finished.")
            try:
                yield
            finally:
                self.catalog.transact([Delete(key=key)])
        finally:
            self.catalog.close_session(session)

    def _is_held(self, key: str) -> bool:
        entry = self.catalog.get(key)
        return entry is not None and bool(entry.session)
