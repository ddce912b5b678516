"""`/v1/catalog` and `/v1/health`: what is registered, and how it is."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog.blocking import Answer
from handshake.drivers.embedded_catalog.bodies import parse_status
from handshake.drivers.embedded_catalog.checks import (
    ALL_CHECKS,
    Check,
    Status,
    check_topic,
    read_checks,
    read_checks_of,
)
from handshake.drivers.embedded_catalog.documents import (
    Document,
    catalog_service_document,
    check_document,
    health_document,
    node_check_document,
    node_document,
)
from handshake.drivers.embedded_catalog.house import House
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.requests import DATACENTER, is_set
from handshake.drivers.embedded_catalog.services import (
    ALL_SERVICES,
    Service,
    read_endpoints,
    read_services,
    service_topic,
)

T = TypeVar("T")

_ANY_STATUS = "any"
_NODES = Topic(text="node")


@dataclass(frozen=True)
class DiscoveryRoutes:
    """Shows services, endpoints and checks; every answer can block."""

    house: House

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
        answer = await self.house.observe(
            request, _NODES, question=lambda _: [node_document(self.house.node)]
        )
        return _print(answer, answer.content)

    async def services(self, request: Request) -> Response:
        """Show every service's name with the tags of its endpoints."""
        answer = await self.house.observe(request, ALL_SERVICES, question=read_services)
        tags: dict[str, set[str]] = {}
        for service in answer.content:
            tags.setdefault(service.definition.name, set()).update(service.definition.tags)
        return _print(answer, {name: sorted(tags[name]) for name in sorted(tags)})

    async def endpoints(self, request: Request) -> Response:
        """Show a service's endpoints, well or not."""
        name = request.path_params["name"]
        answer = await self.house.observe(
            request, service_topic(name), question=lambda db: read_endpoints(db, name)
        )
        chosen = [service for service in answer.content if _has_tags(service, request)]
        return _print(answer, [catalog_service_document(service, self.house.node) for service in chosen])

    async def health(self, request: Request) -> Response:
        """Show a service's endpoints with their checks; `?passing` leaves out those that do not pass."""
        name = request.path_params["name"]

        def question(db: sqlite3.Connection) -> tuple[list[Service], list[Check]]:
            return read_endpoints(db, name), read_checks_of(db, name)

        answer = await self.house.observe(request, service_topic(name), check_topic(name), question=question)
        services, checks = answer.content
        return _print(answer, self._health_documents(request, services, checks))

    async def checks(self, request: Request) -> Response:
        """Show the checks of a service."""
        name = request.path_params["name"]
        answer = await self.house.observe(
            request, check_topic(name), question=lambda db: read_checks_of(db, name)
        )
        return _print(answer, [check_document(check, self.house.node) for check in answer.content])

    async def checks_in_state(self, request: Request) -> Response:
        """Show the checks that say one thing, or all of them."""
        state = request.path_params["status"]
        wanted = set(Status) if state == _ANY_STATUS else {parse_status(state)}
        answer = await self.house.observe(request, ALL_CHECKS, question=read_checks)
        own = [node_check_document(self.house.node)] if Status.PASSING in wanted else []
        chosen = [
            check_document(check, self.house.node) for check in answer.content if check.status in wanted
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
                documents.append(health_document(service, own, self.house.node))
        return documents


def _has_tags(service: Service, request: Request) -> bool:
    """Return whether the endpoint has every tag that the request asks for."""
    return set(request.query_params.getlist("tag")) <= set(service.definition.tags)


def _print(answer: Answer[T], content: object) -> Response:
    return JSONResponse(content, headers=answer.headers)
