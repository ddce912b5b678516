"""`/v1/status`: the only endpoints that ask for no credential."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog.house import House

_RAFT_PORT = 8300


@dataclass(frozen=True)
class StatusRoutes:
    """Names the leader, which is this process."""

    house: House

    def routes(self) -> list[Route]:
        """Return what this area answers to."""
        return [
            Route("/v1/status/leader", self.leader, methods=["GET"]),
            Route("/v1/status/peers", self.peers, methods=["GET"]),
        ]

    async def leader(self, _: Request) -> Response:
        """Name the leader."""
        return JSONResponse(self._address())

    async def peers(self, _: Request) -> Response:
        """Name everyone who votes."""
        return JSONResponse([self._address()])

    def _address(self) -> str:
        return f"{self.house.node.address}:{_RAFT_PORT}"
