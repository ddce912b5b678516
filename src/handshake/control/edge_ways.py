"""Which way a request goes on behind the edge's rules: a site's mount, or a route of the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.control.policy import Policy
from handshake.gateway.policy import DESCRIPTION_PATH, covers, find_route


class WayKind(StrEnum):
    """Who answers."""

    SITE = "site"
    SERVICE = "service"
    GATEWAY = "gateway"
    """The gateway itself."""
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where a request goes that no rule answers."""

    kind: WayKind
    name: str
    """The site's or the service's name."""
    prefix: str
    """The site's mount, or the route's path."""
    status: int = 0
    """What is answered without asking anybody; 0 where somebody is asked."""
    why: str = ""


def find_way(policy: Policy, method: str, path: str) -> Way:
    """Return where a request goes."""
    sites = [(name, its.mount) for name, its in policy.campaign.sites.items() if covers(its.mount, path)]
    if sites:
        name, mount = max(sites, key=lambda site: len(site[1]))
        return _visit_site(name, mount, method, path)
    if path == DESCRIPTION_PATH:
        return Way(kind=WayKind.GATEWAY, name="", prefix=path, why="the description of every service's API")
    route = find_route(policy.gateway.policy.route, path)
    if route is None:
        return Way(kind=WayKind.NOBODY, name="", prefix="", status=404, why="no route and no site is there")
    if method not in {str(each) for each in route.methods}:
        return Way(
            kind=WayKind.SERVICE,
            name=route.service,
            prefix=route.path,
            status=405,
            why=f"the route lets {', '.join(route.methods)} through",
        )
    return Way(kind=WayKind.SERVICE, name=route.service, prefix=route.path)


def _visit_site(name: str, mount: str, method: str, path: str) -> Way:
    if path == mount != "/":
        why = f"sent to {mount}/"
        return Way(kind=WayKind.SITE, name=name, prefix=mount, status=308, why=why)
    if method not in {"GET", "HEAD"}:
        return Way(kind=WayKind.SITE, name=name, prefix=mount, status=405, why="sites answer GET and HEAD")
    return Way(kind=WayKind.SITE, name=name, prefix=mount)
