"""Health: can this instance serve? It can when its ledger answers."""

import asyncio
import time
from http import HTTPStatus

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

PING_TIMEOUT_SECONDS = 0.5
CACHED_SECONDS = 0.25


class Health:
    """The route /health. However many ask, the ledger is asked four times a second at most."""

    def __init__(self, ledger: Redis) -> None:
        self._ledger = ledger
        self._asking = asyncio.Lock()
        self._reason = ""
        self._good_until = 0.0

    async def __call__(self, _request: Request) -> Response:
        """Answer 200, or 503 with the reason."""
        async with self._asking:
            if time.monotonic() >= self._good_until:
                self._reason = await self._ask()
                self._good_until = time.monotonic() + CACHED_SECONDS
        if self._reason:
            content = {"status": "unavailable", "reason": self._reason}
            return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok"})

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(PING_TIMEOUT_SECONDS):
                await self._ledger.ping()
        except TimeoutError:
            return f"the ledger did not answer within {PING_TIMEOUT_SECONDS} s"
        except RedisError as error:
            return f"the ledger does not answer: {type(error).__name__}"
        return ""
