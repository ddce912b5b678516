"""What `gateway.toml` says: which paths go to which service, under which limits."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from handshake.config.settings import Settings

DESCRIPTION_PATH = "/api/openapi.json"
"""Where the gateway itself answers, with the description of every service's API."""


class Method(StrEnum):
    """The methods that a route may let through."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    OPTIONS = "OPTIONS"


class Retries(StrEnum):
    """Which requests may be sent again after a member had them in its hands.

    There is no value for POST: a member that died may have carried it out. A connection that was never
    made is always tried elsewhere, whatever the method.
    """

    GET = "get"
    NEVER = "never"


class Route(Settings):
    """One path prefix and the service that answers below it."""

    path: str = Field(
        description="Prefix of whole path segments: `/api/hamm`. The longest one that fits wins."
    )
    service: str = Field(description="Name of the service that answers, as in handshake.toml.")
    methods: tuple[Method, ...] = Field(
        default=tuple(Method), description="Methods let through; the others are answered with 405."
    )
    timeout_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="How long a member may take to answer; then 504."
    )
    retries: Retries = Field(
        default=Retries.GET,
        description="Whether a GET or HEAD is sent to another member where the first one gave no answer.",
    )
    max_body_bytes: int = Field(
        default=1_048_576, ge=0, description="Largest body that a request may announce; then 413."
    )
    openapi: str = Field(
        default="",
        description="The service's OpenAPI 3.1 file (JSON), relative to gateway.toml; empty: not described.",
    )


class GatewayPolicy(Settings):
    """The whole of `gateway.toml`."""

    title: str = Field(default="API", description="Title of the description at /api/openapi.json.")
    route: tuple[Route, ...] = Field(default=(), description="Routes, in any order.")


def covers(prefix: str, path: str) -> bool:
    """Tell whether a path lies at or below a prefix; `/api/hammer` does not lie below `/api/hamm`."""
    return prefix in {"/", path} or path.startswith(prefix + "/")


def find_route(routes: Iterable[Route], path: str) -> Route | None:
    """Return the route that answers a path, None where no route does."""
    fitting = [route for route in routes if covers(route.path, path)]
    return max(fitting, key=lambda route: len(route.path), default=None)
