"""gateway.toml: which paths go to which service, with which limits; and its checks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from enum import StrEnum

from pydantic import Field

from handshake.config.reader import Loaded
from handshake.config.settings import Settings
from handshake.core.problem import Problem

DESCRIPTION_PATH = "/api/openapi.json"
"""The path at which the gateway itself serves the description of every service's API."""


class Method(StrEnum):
    """The methods that a route may allow."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    OPTIONS = "OPTIONS"


class Retries(StrEnum):
    """Which requests may be retried after a member had received them.

    There is no value for POST: a member that died may have carried it out. A connection that was never
    made is always retried elsewhere, whatever the method.
    """

    GET = "get"
    NEVER = "never"


class Route(Settings):
    """One path prefix and its service."""

    path: str = Field(description="A prefix of whole path segments: `/api/hamm`. The longest match wins.")
    service: str = Field(description="The name of the service, as in handshake.toml.")
    methods: tuple[Method, ...] = Field(
        default=tuple(Method), description="The allowed methods; others are answered with 405."
    )
    timeout_seconds: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="How long a member may take to answer before the gateway answers 504.",
    )
    retries: Retries = Field(
        default=Retries.GET,
        description="Whether to retry a GET or HEAD on another member if the first one gave no answer.",
    )
    max_body_bytes: int = Field(
        default=1_048_576, ge=0, description="The largest request body; larger ones are answered with 413."
    )
    openapi: str = Field(
        default="",
        description="The service's OpenAPI 3.1 file (JSON), relative to gateway.toml. Empty: not described.",
    )


class GatewayPolicy(Settings):
    """The whole of `gateway.toml`."""

    title: str = Field(default="API", description="The title of the description at /api/openapi.json.")
    route: tuple[Route, ...] = Field(default=(), description="The routes, in any order.")


def covers(prefix: str, path: str) -> bool:
    """Return whether a path lies at or below a prefix; `/api/hammer` does not lie below `/api/hamm`."""
    return prefix in {"/", path} or path.startswith(prefix + "/")


def find_route(routes: Iterable[Route], path: str) -> Route | None:
    """Return the route that answers a path, None if no route does."""
    fitting = [route for route in routes if covers(route.path, path)]
    return max(fitting, key=lambda route: len(route.path), default=None)


# What can be wrong with routes, apart from what their types already say.

_PREFIX = re.compile(r"/|(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+")


def check_routes(loaded: Loaded[GatewayPolicy], services: Collection[str]) -> list[Problem]:
    """Return every problem of the routes, given the names of all services."""
    return [*check_paths(loaded), *check_duplicates(loaded), *check_services(loaded, services)]


def check_paths(loaded: Loaded[GatewayPolicy]) -> list[Problem]:
    """Return a problem for each path that is no prefix of whole segments, or that the gateway answers itself."""
    return [
        problem
        for number, route in enumerate(loaded.model.route)
        if (problem := _path_problem(loaded, number, route.path))
    ]


def check_duplicates(loaded: Loaded[GatewayPolicy]) -> list[Problem]:
    """Return a problem for each route whose path an earlier route has."""
    first: dict[str, int] = {}
    problems = []
    for number, route in enumerate(loaded.model.route):
        if (earlier := first.setdefault(route.path, number)) != number:
            problems.append(
                Problem(
                    check="gateway-duplicate-path",
                    what=f"{route.path} is routed twice: first at {loaded.source.at('route', earlier, 'path')}",
                    where=loaded.source.at("route", number, "path"),
                    hint="Keep one of the two; a path has one service.",
                )
            )
    return problems


def check_services(loaded: Loaded[GatewayPolicy], services: Collection[str]) -> list[Problem]:
    """Return a problem for each route to a service that does not exist."""
    return [
        Problem(
            check="gateway-unknown-service",
            what=f"there is no service {route.service}",
            where=loaded.source.at("route", number, "service"),
            hint=_nearest(route.service, services),
        )
        for number, route in enumerate(loaded.model.route)
        if route.service not in services
    ]


def _path_problem(loaded: Loaded[GatewayPolicy], number: int, path: str) -> Problem | None:
    where = loaded.source.at("route", number, "path")
    if not _PREFIX.fullmatch(path):
        return Problem(
            check="gateway-path",
            what=f"{path!r} is not a valid path prefix",
            where=where,
            hint="Use whole segments of letters, digits and . _ ~ -, with no slash at the end: /api/hamm.",
        )
    if path == DESCRIPTION_PATH:
        return Problem(
            check="gateway-reserved-path",
            what=f"{path} is answered by the gateway itself",
            where=where,
            hint="Choose another path; this one serves the description of all services.",
        )
    return None


def _nearest(name: str, services: Collection[str]) -> str:
    nearest = difflib.get_close_matches(name, services, n=1, cutoff=0.5)
    known = ", ".join(sorted(services)) or "none"
    return f"Did you mean {nearest[0]}?" if nearest else f"Services in handshake.toml: {known}."
