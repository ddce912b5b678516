"""`/v1/agent`: registering services and reporting on their checks."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog.bodies import VALUE_LIMIT, parse_service, parse_status
from handshake.drivers.embedded_catalog.checks import Status, read_checks, report
from handshake.drivers.embedded_catalog.documents import (
    agent_service_document,
    check_document,
    node_check_document,
)
from handshake.drivers.embedded_catalog.fields import Fields, parse_json
from handshake.drivers.embedded_catalog.house import House
from handshake.drivers.embedded_catalog.refusals import UnknownError
from handshake.drivers.embedded_catalog.requests import DATACENTER, is_set, read_body, refuse_unsupported
from handshake.drivers.embedded_catalog.services import deregister, read_service, read_services, register

_REPORTS = {"pass": Status.PASSING, "warn": Status.WARNING, "fail": Status.CRITICAL}


@dataclass(frozen=True)
class AgentRoutes:
    """Takes registrations and reports."""

    house: House

    def routes(self) -> list[Route]:
        """Return what this area answers to."""
        return [
            Route("/v1/agent/self", self.self_description, methods=["GET"]),
            Route("/v1/agent/services", self.services, methods=["GET"]),
            Route("/v1/agent/service/register", self.register, methods=["PUT"]),
            Route("/v1/agent/service/deregister/{id:path}", self.deregister, methods=["PUT"]),
            Route("/v1/agent/service/{id:path}", self.service, methods=["GET"]),
            Route("/v1/agent/checks", self.checks, methods=["GET"]),
            Route("/v1/agent/check/update/{id:path}", self.update, methods=["PUT"]),
            Route("/v1/agent/check/{report}/{id:path}", self.report, methods=["PUT"]),
        ]

    async def self_description(self, _: Request) -> Response:
        """Say who this agent is, as far as discovery clients ask."""
        node = self.house.node
        config = {"Datacenter": DATACENTER, "NodeName": node.name, "NodeID": node.id, "Server": True}
        member = {"Name": node.name, "Addr": node.address, "Status": 1}
        return JSONResponse({"Config": config, "Member": member, "Meta": {}})

    async def services(self, request: Request) -> Response:
        """Show every endpoint by its id."""
        refuse_unsupported(request)
        services = self.house.storage.read(read_services)
        return JSONResponse({service.definition.id: agent_service_document(service) for service in services})

    async def service(self, request: Request) -> Response:
        """Show one endpoint."""
        service_id = request.path_params["id"]
        service = self.house.storage.read(lambda db: read_service(db, service_id))
        if service is None:
            raise UnknownError(f"unknown service ID: {service_id}")
        return JSONResponse(agent_service_document(service))

    async def register(self, request: Request) -> Response:
        """Let an endpoint and its checks stand as described."""
        definition, checks = parse_service(await read_body(request, limit=VALUE_LIMIT))
        replace_checks = is_set(request, "replace-existing-checks")
        await self.house.write(
            lambda change: register(change, definition, checks, replace_checks=replace_checks)
        )
        return Response()

    async def deregister(self, request: Request) -> Response:
        """Remove an endpoint."""
        service_id = request.path_params["id"]
        await self.house.write(lambda change: deregister(change, service_id))
        return Response()

    async def checks(self, request: Request) -> Response:
        """Show every check by its id."""
        refuse_unsupported(request)
        node = self.house.node
        checks = self.house.storage.read(read_checks)
        own = node_check_document(node)
        return JSONResponse(
            {str(own["CheckID"]): own}
            | {check.definition.id: check_document(check, node) for check in checks}
        )

    async def report(self, request: Request) -> Response:
        """Take down that a check passes, warns or fails, with a note."""
        name = request.path_params["report"]
        if name not in _REPORTS:
            raise UnknownError(f"a check can pass, warn, fail or be updated, not {name!r}")
        return await self._report(request, _REPORTS[name], request.query_params.get("note", ""))

    async def update(self, request: Request) -> Response:
        """Take down a check's status and output from the body."""
        fields = Fields(parse_json(await read_body(request, limit=VALUE_LIMIT)), where="check")
        return await self._report(request, parse_status(fields.text("Status")), fields.text("Output"))

    async def _report(self, request: Request, status: Status, output: str) -> Response:
        check_id = request.path_params["id"]
        await self.house.write(lambda change: report(change, check_id, status, output))
        return Response()
