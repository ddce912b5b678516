"""`/v1/agent`, `/v1/catalog`, `/v1/health` and `/v1/status`: what is registered, and how it is."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog.blocking import BlockingResult
from handshake.drivers.embedded_catalog.catalog_server import CatalogServer
from handshake.drivers.embedded_catalog.checks import (
    ALL_CHECKS,
    Check,
    Status,
    check_topic,
    read_checks,
    read_checks_of,
    report,
)
from handshake.drivers.embedded_catalog.documents import (
    Document,
    agent_service_document,
    catalog_service_document,
    check_document,
    health_document,
    node_check_document,
    node_document,
)
from handshake.drivers.embedded_catalog.fields import Fields, UnknownError, parse_json
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.requests import (
    DATACENTER,
    VALUE_LIMIT,
    is_set,
    parse_service,
    parse_status,
    read_body,
    refuse_unsupported,
)
from handshake.drivers.embedded_catalog.services import (
    ALL_SERVICES,
    Service,
    deregister,
    read_endpoints,
    read_service,
    read_services,
    register,
    service_topic,
)

_REPORTS = {"pass": Status.PASSING, "warn": Status.WARNING, "fail": Status.CRITICAL}


@dataclass(frozen=True)
class AgentRoutes:
    """Takes registrations and reports."""

    server: CatalogServer

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
        node = self.server.node
        config = {"Datacenter": DATACENTER, "NodeName": node.name, "NodeID": node.id, "Server": True}
        member = {"Name": node.name, "Addr": node.address, "Status": 1}
        return JSONResponse({"Config": config, "Member": member, "Meta": {}})

    async def services(self, request: Request) -> Response:
        """Show every endpoint by its id."""
        refuse_unsupported(request)
        services = self.server.storage.read(read_services)
        return JSONResponse({service.definition.id: agent_service_document(service) for service in services})

    async def service(self, request: Request) -> Response:
        """Show one endpoint."""
        service_id = request.path_params["id"]
        service = self.server.storage.read(lambda db: read_service(db, service_id))
        if service is None:
            raise UnknownError(f"unknown service ID: {service_id}")
        return JSONResponse(agent_service_document(service))

    async def register(self, request: Request) -> Response:
        """Let an endpoint and its checks stand as described."""
        definition, checks = parse_service(await read_body(request, limit=VALUE_LIMIT))
        replace_checks = is_set(request, "replace-existing-checks")
        await self.server.write(
            lambda change: register(change, definition, checks, replace_checks=replace_checks)
        )
        return Response()

    async def deregister(self, request: Request) -> Response:
        """Remove an endpoint."""
        service_id = request.path_params["id"]
        await self.server.write(lambda change: deregister(change, service_id))
        return Response()

    async def checks(self, request: Request) -> Response:
        """Show every check by its id."""
        refuse_unsupported(request)
        node = self.server.node
        checks = self.server.storage.read(read_checks)
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
        await self.server.write(lambda change: report(change, check_id, status, output))
        return Response()


# `/v1/catalog` and `/v1/health`: what is registered, and how it is.

T = TypeVar("T")

_ANY_STATUS = "any"
_NODES = Topic(text="node")


@dataclass(frozen=True)
class DiscoveryRoutes:
    """Shows services, endpoints and checks; every answer can block."""

    server: CatalogServer

    def routes(self) -> list[Route]:
        """Return what this area answers to."""
        return [
            Route("/v1/catalog/datacenters", self.datacenters, methods=["GET"]),
            Route("/v1/catalog/nodes", self.nodes, methods=["GET"]),
            Route("/v1/catalog/services", self.services, methods=["GET"]),
            Route("/v1/catalog/service/{name:path}", self.endpoints, methods=["GET"]),
            Route("/v1/health/service/{name:path}", self.health, methods=["GET"]),
            Route("/v1/health/checks/{name:path}", self.checks, methods=["GET"]),
            Route("/v1/health/state/{status}", self.checks_in_state, methods=["GET"]),
        ]

    async def datacenters(self, _: Request) -> Response:
        """Name the one datacenter."""
        return JSONResponse([DATACENTER])

    async def nodes(self, request: Request) -> Response:
        """Show the one node."""
        answer = await self.server.observe(
            request, _NODES, question=lambda _: [node_document(self.server.node)]
        )
        return _print(answer, answer.content)

    async def services(self, request: Request) -> Response:
        """Show every service's name with the tags of its endpoints."""
        answer = await self.server.observe(request, ALL_SERVICES, question=read_services)
        tags: dict[str, set[str]] = {}
        for service in answer.content:
            tags.setdefault(service.definition.name, set()).update(service.definition.tags)
        return _print(answer, {name: sorted(tags[name]) for name in sorted(tags)})

    async def endpoints(self, request: Request) -> Response:
        """Show a service's endpoints, well or not."""
        name = request.path_params["name"]
        answer = await self.server.observe(
            request, service_topic(name), question=lambda db: read_endpoints(db, name)
        )
        chosen = [service for service in answer.content if _has_tags(service, request)]
        return _print(answer, [catalog_service_document(service, self.server.node) for service in chosen])

    async def health(self, request: Request) -> Response:
        """Show a service's endpoints with their checks; `?passing` leaves out those that do not pass."""
        name = request.path_params["name"]

        def question(db: sqlite3.Connection) -> tuple[list[Service], list[Check]]:
            return read_endpoints(db, name), read_checks_of(db, name)

        answer = await self.server.observe(request, service_topic(name), check_topic(name), question=question)
        services, checks = answer.content
        return _print(answer, self._health_documents(request, services, checks))

    async def checks(self, request: Request) -> Response:
        """Show the checks of a service."""
        name = request.path_params["name"]
        answer = await self.server.observe(
            request, check_topic(name), question=lambda db: read_checks_of(db, name)
        )
        return _print(answer, [check_document(check, self.server.node) for check in answer.content])

    async def checks_in_state(self, request: Request) -> Response:
        """Show the checks that say one thing, or all of them."""
        state = request.path_params["status"]
        wanted = set(Status) if state == _ANY_STATUS else {parse_status(state)}
        answer = await self.server.observe(request, ALL_CHECKS, question=read_checks)
        own = [node_check_document(self.server.node)] if Status.PASSING in wanted else []
        chosen = [
            check_document(check, self.server.node) for check in answer.content if check.status in wanted
        ]
        return _print(answer, own + chosen)

    def _health_documents(
        self, request: Request, services: list[Service], checks: list[Check]
    ) -> list[Document]:
        documents = []
        for service in services:
            own = [check for check in checks if check.service_id == service.definition.id]
            is_well = all(check.status is Status.PASSING for check in own)
            if _has_tags(service, request) and (is_well or not is_set(request, "passing")):
                documents.append(health_document(service, own, self.server.node))
        return documents


def _has_tags(service: Service, request: Request) -> bool:
    """Return whether the endpoint has every tag that the request asks for."""
    return set(request.query_params.getlist("tag")) <= set(service.definition.tags)


def _print(answer: BlockingResult[T], content: object) -> Response:
    return JSONResponse(content, headers=answer.headers)


# `/v1/status`: the only endpoints that ask for no credential.

_RAFT_PORT = 8300


@dataclass(frozen=True)
class StatusRoutes:
    """Names the leader, which is this process."""

    server: CatalogServer

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
        return f"{self.server.node.address}:{_RAFT_PORT}"
