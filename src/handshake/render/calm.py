"""Calm: a content store that has just failed is left alone for a moment, so that no visitor waits for it."""

from __future__ import annotations

from handshake.core.clock import Clock
from handshake.core.errors import UnavailableError
from handshake.render.content import ContentSource, Reading

PAUSE_SECONDS = 1.0


class CalmSource:
    """A content source that repeats its last failure for a second before it asks the store again."""

    def __init__(self, source: ContentSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._failure: UnavailableError | None = None
        self._asks_again_at = 0.0

    async def read(self, keys: frozenset[str]) -> Reading:
        """Return the documents; UnavailableError at once while the pause lasts."""
        if self._failure and self._clock.monotonic() < self._asks_again_at:
            raise UnavailableError(self._failure.what, details=self._failure.details)
        try:
            reading = await self._source.read(keys)
        except UnavailableError as failure:
            self._failure = failure
            self._asks_again_at = self._clock.monotonic() + PAUSE_SECONDS
            raise
        self._failure = None
        return reading

    async def close(self) -> None:
        """Close the store."""
        await self._source.close()
