"""Content from Redis: one round trip for a page, an answer or an error within half a second."""

from __future__ import annotations

import asyncio

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from handshake.core.clock import Clock
from handshake.core.errors import UnavailableError
from handshake.renderer.content import ContentReading, ContentSource, parse_document

READ_SECONDS = 0.5
CONNECTIONS = 16


class RedisContent(ContentSource):
    """The content store as the renderer reads it. It never writes."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def read(self, keys: frozenset[str]) -> ContentReading:
        """Return the documents of these keys with one MGET, so that they all stand at one moment."""
        names = sorted(keys)
        filled, *texts = await self._get([FILLED, *names])
        if filled is None:
            # A store that was just emptied knows no page; that is no reason to tell visitors so.
            raise UnavailableError("the content store has not been filled")
        found = {name: text for name, text in zip(names, texts, strict=True) if text is not None}
        documents = {name: parse_document(name, text) for name, text in found.items()}
        return ContentReading(documents=documents, read_at=self._clock.now())

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def _get(self, names: list[str]) -> list[bytes | str | None]:
        try:
            async with asyncio.timeout(READ_SECONDS):
                values: list[bytes | str | None] = await self._redis.mget(names)
        except TimeoutError as error:
            raise UnavailableError(f"the content store did not answer within {READ_SECONDS} s") from error
        except RedisError as error:
            raise UnavailableError("the content store does not answer", details=str(error)) from error
        return values


def connect_content(url: str, clock: Clock) -> RedisContent:
    """Return the content store at a URL; nothing is sent before the first read."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=READ_SECONDS,
        socket_connect_timeout=READ_SECONDS,
        socket_timeout=READ_SECONDS,
        # Once is enough to replace a connection that a restarted store has closed.
        retry=Retry(NoBackoff(), retries=1),
    )
    return RedisContent(Redis(connection_pool=pool), clock)


# The keys of the content store that are no documents.

FILLED = "content:filled"
"""Written with the first documents. Without it the store has not been filled, which differs from having no pages."""
