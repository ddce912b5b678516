"""Runs the cases of edge_tests.toml against a campaign's policy, and finds where unanswered requests are routed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from handshake.campaign.policy import Policy
from handshake.config.campaign_head import CASES_FILE
from handshake.config.reader import Loaded, read_settings
from handshake.core.problem import Problem, ProblemsError
from handshake.edge.simulate.cases import CasesSettings, CaseTrial, check_cases, try_cases
from handshake.gateway.policy import DESCRIPTION_PATH, covers, find_route


class WayKind(StrEnum):
    """Who answers a request."""

    SITE = "site"
    SERVICE = "service"
    GATEWAY = "gateway"
    """The gateway itself."""
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where a request is routed if no rule answers it."""

    kind: WayKind
    name: str
    """The site's or the service's name."""
    prefix: str
    """The site's mount, or the route's path."""
    status: int = 0
    """The status of a direct answer; 0 if the request is forwarded."""
    why: str = ""


def find_way(policy: Policy, method: str, path: str) -> Way:
    """Return where a request is routed."""
    sites = [(name, its.mount) for name, its in policy.campaign.sites.items() if covers(its.mount, path)]
    if sites:
        name, mount = max(sites, key=lambda site: len(site[1]))
        return _visit_site(name, mount, method, path)
    if path == DESCRIPTION_PATH:
        return Way(kind=WayKind.GATEWAY, name="", prefix=path, why="the description of every service's API")
    route = find_route(policy.gateway.policy.route, path)
    if route is None:
        return Way(
            kind=WayKind.NOBODY, name="", prefix="", status=404, why="no route and no site has this path"
        )
    if method not in {str(each) for each in route.methods}:
        return Way(
            kind=WayKind.SERVICE,
            name=route.service,
            prefix=route.path,
            status=405,
            why=f"the route allows only {', '.join(route.methods)}",
        )
    return Way(kind=WayKind.SERVICE, name=route.service, prefix=route.path)


def _visit_site(name: str, mount: str, method: str, path: str) -> Way:
    if path == mount != "/":
        why = f"redirected to {mount}/"
        return Way(kind=WayKind.SITE, name=name, prefix=mount, status=308, why=why)
    if method not in {"GET", "HEAD"}:
        return Way(kind=WayKind.SITE, name=name, prefix=mount, status=405, why="sites answer GET and HEAD")
    return Way(kind=WayKind.SITE, name=name, prefix=mount)


# The cases beside a policy: read, checked, run. Nothing goes live while one fails.


def try_folder(folder: Path, policy: Policy) -> tuple[CaseTrial, ...]:
    """Return the results of a folder's cases; raise ProblemsError with everything wrong with the file."""
    loaded = _read(folder, policy)
    return tuple(try_cases(loaded, policy.edge, partial(_name_way, policy)))


def find_failing_cases(folder: Path, policy: Policy) -> list[Problem]:
    """Return a problem for each failed case and for each error in the file; none if there is no file."""
    if not (folder / CASES_FILE).is_file():
        return []
    try:
        return [_to_problem(trial) for trial in try_folder(folder, policy) if not trial.has_passed]
    except ProblemsError as error:
        return list(error.problems)


def _read(folder: Path, policy: Policy) -> Loaded[CasesSettings]:
    loaded = read_settings(CasesSettings, folder / CASES_FILE, shown_as=CASES_FILE)
    if problems := check_cases(loaded, policy.edge):
        raise ProblemsError(problems)
    return loaded


def _name_way(policy: Policy, method: str, path: str) -> tuple[str, int]:
    way = find_way(policy, method, path)
    named = way.kind in {WayKind.SITE, WayKind.SERVICE}
    return f"{way.kind} {way.name}" if named else str(way.kind), way.status


def _to_problem(trial: CaseTrial) -> Problem:
    said = "; ".join(f"{its.key}: expected {its.expected}, found {its.found}" for its in trial.mismatches)
    met = ", ".join(f"{step.rule} ({step.where})" for step in trial.explanation.steps) or "none"
    return Problem(
        check="edge-case-fails",
        what=f"{trial.name!r}: {said}",
        where=trial.mismatches[0].where,
        hint=f"Rules that match: {met}. `handshake edge test` shows why.",
    )
