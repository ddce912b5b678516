"""A campaign's policy: handshake.toml, edge.toml and gateway.toml, read together, checked against each other, and compared."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from handshake.campaign.settings import CampaignSettings, listening
from handshake.config.campaign_head import CAMPAIGN_FILE, CASES_FILE, EDGE_FILE, GATEWAY_FILE
from handshake.config.reader import Loaded, read_settings
from handshake.core.digest import Digest
from handshake.core.problem import Problem, ProblemsError
from handshake.edge.fastly.compile.vcl import check_fastly
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.policy import read_policy as read_edge
from handshake.gateway.policy import GatewayPolicy, covers
from handshake.gateway.reader import Gateway, read_gateway
from handshake.release.regions import check_regions

Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What operators wrote, checked and typed."""

    campaign: CampaignSettings
    edge: EdgePolicy
    gateway: Gateway


def read_policy(folder: Path) -> Policy:
    """Return a folder's policy; raise ProblemsError with every problem in all of its files."""
    problems: list[Problem] = []

    def attempt(read: Callable[[], Part]) -> Part | None:
        try:
            return read()
        except ProblemsError as error:
            problems.extend(error.problems)
            return None

    loaded = attempt(lambda: read_settings(CampaignSettings, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE))
    edge = attempt(lambda: read_edge(folder / EDGE_FILE, shown_as=EDGE_FILE))
    # If handshake.toml cannot be read, the services are not known, so none is reported as unknown.
    services = loaded.model.services if loaded else _services_of_gateway(folder)
    gateway = attempt(lambda: read_gateway(folder / GATEWAY_FILE, services=services, shown_as=GATEWAY_FILE))
    if loaded:
        problems += check_campaign(loaded)
    if loaded and gateway:
        problems += check_paths(loaded, gateway.policy)
    if edge and loaded and (fastly := loaded.model.fastly):
        problems += check_fastly(edge, fastly.target(loaded.model.mounts))
    if problems or loaded is None or edge is None or gateway is None:
        raise ProblemsError(problems)
    return Policy(campaign=loaded.model, edge=edge, gateway=gateway)


def policy_files(folder: Path) -> tuple[str, ...]:
    """Return the files of a policy release, relative to the folder; the policy must be valid."""
    gateway = read_settings(GatewayPolicy, folder / GATEWAY_FILE).model
    described = {route.openapi for route in gateway.route if route.openapi}
    cases = (CASES_FILE,) if (folder / CASES_FILE).is_file() else ()
    return (CAMPAIGN_FILE, EDGE_FILE, GATEWAY_FILE, *cases, *sorted(described))


def check_campaign(loaded: Loaded[CampaignSettings]) -> list[Problem]:
    """Return the problems of handshake.toml as a whole: duplicate addresses and mounts, contradictory limits."""
    return [
        *check_regions(loaded.model.regions.items(), loaded.source),
        *_check_addresses(loaded),
        *_check_mounts(loaded),
        *_check_limits(loaded),
        *_check_reach(loaded),
    ]


def check_paths(loaded: Loaded[CampaignSettings], gateway: GatewayPolicy) -> list[Problem]:
    """Return a problem for every site whose mount is also a service's route."""
    owners = {route.path: route.service for route in gateway.route if route.path != "/"}
    return [
        Problem(
            check="path-of-two",
            what=f"{site.mount} is used by both site {name} and, in {GATEWAY_FILE}, service {service}",
            where=loaded.source.at("sites", name, "mount"),
            hint="Change one of the two paths.",
        )
        for name, site in loaded.model.sites.items()
        for path, service in owners.items()
        if covers(site.mount, path) or covers(path, site.mount)
        if site.mount != "/"
    ]


def _check_addresses(loaded: Loaded[CampaignSettings]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for path, address in listening(loaded.model):
        name = ".".join(path)
        owner = first.setdefault(address, name)
        if owner != name:
            yield Problem(
                check="address-of-two",
                what=f"{name} and {owner} both listen on {address}",
                where=loaded.source.at(*path),
                hint="Change one of the two ports.",
            )


def _check_mounts(loaded: Loaded[CampaignSettings]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, site in loaded.model.sites.items():
        owner = first.setdefault(site.mount, name)
        if owner != name:
            yield Problem(
                check="mount-of-two",
                what=f"sites {owner} and {name} are both mounted at {site.mount}",
                where=loaded.source.at("sites", name, "mount"),
                hint="Change one of the two mounts.",
            )


def _check_limits(loaded: Loaded[CampaignSettings]) -> Iterator[Problem]:
    for name, service in loaded.model.services.items():
        if service.floor > service.ceiling:
            yield Problem(
                check="floor-above-ceiling",
                what=f"service {name} has a floor of {service.floor} above its ceiling of {service.ceiling}",
                where=loaded.source.at("services", name, "floor"),
                hint="Raise the ceiling or lower the floor.",
            )


def _check_reach(loaded: Loaded[CampaignSettings]) -> Iterator[Problem]:
    """Yield a problem for every loopback address that other nodes must reach."""
    if len(loaded.model.nodes) == 1:
        return
    for path, address in listening(loaded.model):
        if path != ("listen", "dashboard") and address.startswith("127."):
            yield Problem(
                check="out-of-reach",
                what=f"{'.'.join(path)} is {address}, which other nodes cannot reach",
                where=loaded.source.at(*path),
                hint=f"Use an address of {loaded.model.nodes[0]} on the network that the nodes share.",
            )


def _services_of_gateway(folder: Path) -> frozenset[str]:
    try:
        gateway = read_settings(GatewayPolicy, folder / GATEWAY_FILE).model
    except ProblemsError:
        return frozenset()
    return frozenset(route.service for route in gateway.route)


# What applying a policy would change, file by file.


@dataclass(frozen=True, kw_only=True)
class PolicyPlan:
    """A policy release, and its differences from the live one."""

    subject: str
    release: Digest
    from_revision: int
    """The revision that `apply` expects; 0 if no policy was applied yet."""
    is_changed: bool
    changes: tuple[str, ...]
    """A unified diff, line by line."""
    fastly: tuple[str, ...] = ()
    """What it would change at Fastly, and what does not fit there."""


def diff_policies(before: Path | None, after: Path) -> tuple[str, ...]:
    """Return the unified diff between two policy releases' trees; everything is new if there was none."""
    names = sorted(_files(before) | _files(after))
    return tuple(line for name in names for line in _diff_file(name, _read(before, name), _read(after, name)))


def _diff_file(name: str, before: list[str], after: list[str]) -> tuple[str, ...]:
    return tuple(difflib.unified_diff(before, after, f"live/{name}", f"new/{name}", lineterm="", n=2))


def _files(folder: Path | None) -> set[str]:
    if folder is None:
        return set()
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _read(folder: Path | None, name: str) -> list[str]:
    if folder is None or not (folder / name).is_file():
        return []
    return (folder / name).read_text(encoding="utf-8").splitlines()
