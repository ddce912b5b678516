"""A visitor of the dashboard: asks the application in this process, with no server and no network between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Asks one application; an error that it does not answer for is raised here unless `sees_defects`."""

    app: Starlette
    sees_defects: bool = False

    def get(self, path: str) -> Response:
        """Return the answer to GET."""
        return self.request("GET", path)

    def request(self, method: str, path: str) -> Response:
        """Return the answer to any method."""
        return asyncio.run(self._request(method, path))

    async def _request(self, method: str, path: str) -> Response:
        transport = ASGITransport(self.app, raise_app_exceptions=not self.sees_defects)
        async with AsyncClient(transport=transport, base_url="http://dashboard") as client:
            return await client.request(method, path)
