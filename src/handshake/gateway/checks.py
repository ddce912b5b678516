"""What can be wrong with routes, apart from what their types already say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from handshake.config.reader import Loaded
from handshake.core.problem import Problem
from handshake.gateway.policy import DESCRIPTION_PATH, GatewayPolicy

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
            what=f"{path!r} is no path prefix",
            where=where,
            hint="Write whole segments of letters, digits and . _ ~ -, with no slash at the end: /api/hamm.",
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
