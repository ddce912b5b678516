"""Plan a tour from the campaign's own files; docs/how-to/run-the-tour.md lists its steps.

No names are hard-coded: what a campaign does not have is skipped, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from handshake.campaign.edge_cases import WayKind, find_way
from handshake.campaign.policy import Policy
from handshake.core.subject import Kind, Subject
from handshake.edge.policy.declarations import AddressList
from handshake.edge.policy.networks import is_within, parse_network
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.simulate.verdict import simulate
from handshake.gateway.policy import DESCRIPTION_PATH
from handshake.release.image_contract import Contract, Idempotent

VISITOR = "127.0.0.1"
"""From where the load comes."""
BANNED = "127.66.6.6"
"""A visitor of the drill's own: all of 127.0.0.0/8 is this machine."""
AMOUNT = "amount_cents"
"""What makes a POST a donation: the field of its body that says how much is given."""


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A step that does not apply to this campaign."""

    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Donating:
    """Where the campaign takes donations, and which store keeps them."""

    path: str
    header: str
    """Carries the idempotency key."""
    store: str


@dataclass(frozen=True, kw_only=True)
class Ban:
    """A list that blocks a client, and the status that the client then receives."""

    list_name: str
    page: str
    status: int


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A switch that can be turned without turning the tour's own visitors away."""

    switch: str
    is_on: bool
    """Its new value: the opposite of the policy's default."""
    page: str


@dataclass(frozen=True, kw_only=True)
class TourPlan:
    """What there is to visit, to give to, to ban from and to switch."""

    pages: tuple[str, ...]
    donating: Donating | None
    ban: Ban | None
    flip: Flip | None
    skipped: tuple[Skip, ...]


def plan_tour(policy: Policy, contracts: Mapping[str, Contract], released: Collection[Subject]) -> TourPlan:
    """Return the tour of a campaign.

    `contracts` are those of its services' live images, by service; `released` is what the tour will release.
    """
    pages = tuple(dict.fromkeys(_find_pages(policy, contracts)))
    donating = _find_donating(policy, contracts)
    open_pages = [page for page in pages if _is_let_in(policy, Request(client=BANNED, path=page))]
    ban = _find_ban(policy, open_pages)
    flip = _find_flip(policy, pages, donating)
    return TourPlan(
        pages=pages,
        donating=donating,
        ban=ban,
        flip=flip,
        skipped=(
            *_skip_services(policy, contracts),
            *_skip_releases(policy, released),
            *(
                []
                if donating
                else [Skip(name="donations", why="no service stores donations in a durable store")]
            ),
            *([] if ban else [Skip(name="ban", why="no list of edge.toml blocks a client from these pages")]),
            *(
                []
                if flip
                else [Skip(name="switch", why="edge.toml has no switch that does not affect the load")]
            ),
        ),
    )


def _find_pages(policy: Policy, contracts: Mapping[str, Contract]) -> Iterator[str]:
    """Yield each site's first page, each service's reads, and the description of the APIs where there is one."""
    for site in policy.campaign.sites.values():
        yield site.mount.rstrip("/") + "/"
    for service, contract in contracts.items():
        yield from (path for path in contract.reads if _is_reached(policy, service, "GET", path))
    if any(route.openapi for route in policy.gateway.policy.route):
        yield DESCRIPTION_PATH


def _skip_services(policy: Policy, contracts: Mapping[str, Contract]) -> Iterator[Skip]:
    for service in policy.campaign.services:
        reads = contracts[service].reads if service in contracts else ()
        if not any(_is_reached(policy, service, "GET", path) for path in reads):
            yield Skip(
                name=f"visit service {service}",
                why="its service.toml has no `reads` below a route of gateway.toml",
            )


def _skip_releases(policy: Policy, released: Collection[Subject]) -> Iterator[Skip]:
    for service in policy.campaign.services:
        subject = Subject(kind=Kind.IMAGE, name=service)
        if subject not in released:
            yield Skip(
                name=f"release {subject}", why="its image copies no folder of the service's own source"
            )
    for kind in (Kind.SITE, Kind.TEMPLATES):
        if not any(subject.kind is kind for subject in released):
            yield Skip(
                name=f"release {kind}",
                why="there is none whose source in the campaign contains a page (*.html)",
            )


def _is_reached(policy: Policy, service: str, method: str, path: str) -> bool:
    """Whether a visitor's request comes to the service."""
    way = find_way(policy, method, path.partition("?")[0])
    return way.kind is WayKind.SERVICE and way.name == service and not way.status


def _find_donating(policy: Policy, contracts: Mapping[str, Contract]) -> Donating | None:
    stores = policy.campaign.stores
    for service, contract in contracts.items():
        durable = [name for name in contract.stores if name in stores and stores[name].durable]
        for post in contract.idempotent:
            if durable and _is_donation(post) and _is_reached(policy, service, "POST", post.path):
                return Donating(path=post.path, header=post.header, store=durable[0])
    return None


def _is_donation(post: Idempotent) -> bool:
    body = json.loads(post.body)
    return isinstance(body, dict) and AMOUNT in body


def _find_ban(policy: Policy, pages: list[str]) -> Ban | None:
    for its in policy.edge.lists:
        for page in pages:
            if status := _refusal(policy, its, page):
                return Ban(list_name=its.name, page=page, status=status)
    return None


def _refusal(policy: Policy, its: AddressList, page: str) -> int:
    """Return what a listed client is answered; 0 if the list does not keep it out, or not with one status."""
    if is_within(ip_address(BANNED), its.protected):
        return 0
    live = LiveData(switches_on=_switches_on(policy), lists={its.name: (parse_network(BANNED),)})
    statuses = simulate(policy.edge, Request(client=BANNED, path=page), live).statuses
    return statuses[0] if len(set(statuses)) == 1 else 0


def _find_flip(policy: Policy, pages: tuple[str, ...], donating: Donating | None) -> Flip | None:
    requests = [Request(client=VISITOR, path=page) for page in pages]
    if donating:
        requests.append(Request(client=VISITOR, method="POST", path=donating.path))
    for switch in policy.edge.switches:
        flipped = _switches_on(policy) ^ {switch.name}
        if pages and all(_is_let_in(policy, request, flipped) for request in requests):
            return Flip(switch=switch.name, is_on=not switch.is_on, page=pages[0])
    return None


def _is_let_in(policy: Policy, request: Request, switches_on: frozenset[str] | None = None) -> bool:
    live = LiveData(switches_on=_switches_on(policy) if switches_on is None else switches_on)
    return simulate(policy.edge, request, live).ending is None


def _switches_on(policy: Policy) -> frozenset[str]:
    return frozenset(its.name for its in policy.edge.switches if its.is_on)
