"""`/v1/txn`: several operations on keys, together or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog.bodies import VALUE_LIMIT, parse_operations
from handshake.drivers.embedded_catalog.documents import failures_document, results_document
from handshake.drivers.embedded_catalog.gate import may_write
from handshake.drivers.embedded_catalog.house import House
from handshake.drivers.embedded_catalog.refusals import DeniedError, RolledBackError
from handshake.drivers.embedded_catalog.requests import read_body
from handshake.drivers.embedded_catalog.transactions import READS, transact


@dataclass(frozen=True)
class TransactionRoutes:
    """Applies transactions."""

    house: House

    def routes(self) -> list[Route]:
        """Return what this area answers to."""
        return [Route("/v1/txn", self.put, methods=["PUT"])]

    async def put(self, request: Request) -> Response:
        """Apply the operations; a reader may send those that change nothing."""
        operations = parse_operations(await read_body(request, limit=VALUE_LIMIT))
        if not may_write(request) and any(operation.verb not in READS for operation in operations):
            raise DeniedError("Permission denied")
        try:
            results = await self.house.write(lambda change: transact(change, operations))
        except RolledBackError as rolled_back:
            return JSONResponse(failures_document(rolled_back.failures), status_code=409)
        return JSONResponse(results_document(results))
