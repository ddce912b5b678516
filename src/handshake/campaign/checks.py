"""Checks before anything starts: every source, and everything that would prevent the campaign from starting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from handshake.campaign.edge_cases import find_failing_cases
from handshake.campaign.policy import read_policy
from handshake.campaign.settings import CampaignSettings, listening
from handshake.config.campaign_head import CAMPAIGN_FILE
from handshake.config.reader import Loaded, read_settings
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.ingress.country_maps import find_mmdb_fault
from handshake.image.check import check_recipe
from handshake.image.recipe import read_recipe
from handshake.renderer.templates import check_templates
from handshake.site.settings import SiteSettings, check_site

Check = Callable[[Path], list[Problem]]


def check_sources(folder: Path) -> list[Problem]:
    """Return every problem of the sources; none while handshake.toml cannot be read."""
    try:
        loaded = read_settings(CampaignSettings, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE)
    except ProblemsError:
        return []
    problems = list(_check_countries(loaded, folder))
    for table, name, source, check in _sources(loaded.model, folder):
        problems += _check_folder(loaded, source, table, name) or _attempt(check, source)
    return problems


def _sources(campaign: CampaignSettings, folder: Path) -> Iterator[tuple[str, str, Path, Check]]:
    """Yield every source: its table and name in handshake.toml, its folder, and its checks."""

    def check_service(source: Path) -> list[Problem]:
        return check_recipe(read_recipe(source), source, folder)

    for name, service in campaign.services.items():
        yield "services", name, folder / service.source, check_service
    for name, templates in campaign.templates.items():
        yield "templates", name, folder / templates.source, check_templates
    for name, site in campaign.sites.items():
        yield "sites", name, folder / site.source, _check_site


def _check_site(source: Path) -> list[Problem]:
    return check_site(read_settings(SiteSettings, source / "site.toml"))


def _attempt(check: Check, source: Path) -> list[Problem]:
    try:
        return check(source)
    except ProblemsError as error:
        return list(error.problems)


def _check_folder(loaded: Loaded[CampaignSettings], source: Path, table: str, name: str) -> list[Problem]:
    if source.is_dir():
        return []
    return [
        Problem(
            check="missing-source",
            what=f"the source of {table}.{name} does not exist: {source}",
            where=loaded.source.at(table, name, "source"),
            hint="Specify a folder relative to handshake.toml.",
        )
    ]


def _check_countries(loaded: Loaded[CampaignSettings], folder: Path) -> Iterator[Problem]:
    countries = loaded.model.countries
    if countries.endswith(".mmdb"):
        yield from _check_mmdb(loaded, folder / countries, "countries")
    elif countries and not (folder / countries / "geoip").is_file():
        yield Problem(
            check="missing-countries",
            what=f"there is no country data in {folder / countries}",
            where=loaded.source.at("countries"),
            hint="`script/bootstrap` unpacks it; without `countries` every client's country is unknown.",
        )
    if loaded.model.networks:
        yield from _check_mmdb(loaded, folder / loaded.model.networks, "networks")


def _check_mmdb(loaded: Loaded[CampaignSettings], file: Path, setting: str) -> Iterator[Problem]:
    if fault := find_mmdb_fault(file):
        yield Problem(
            check="bad-mmdb",
            what=fault,
            where=loaded.source.at(setting),
            hint=f"docs/how-to/add-country-data.md explains where to get such files; without `{setting}` it is unknown.",
        )


# Everything that would prevent the campaign from starting, found in one go.

PortCheck = Callable[[int, str, Location], list[Problem]]
"""Port, what needs it, where that is written -> a problem if another program listens there."""


def require_folder(folder: Path) -> None:
    """Return where there is a folder; raise ProblemsError if there is none."""
    if folder.is_dir():
        return
    problem = Problem(
        check="missing-folder",
        what="the folder does not exist",
        where=Location(file=str(folder)),
        hint="Specify the folder that contains handshake.toml.",
    )
    raise ProblemsError([problem])


def check_folder(folder: Path) -> list[Problem]:
    """Return every problem of what an operator wrote: policy, failing cases, and sources."""
    try:
        policy = read_policy(folder)
    except ProblemsError as error:
        return [*error.problems, *check_sources(folder)]
    return [*find_failing_cases(folder, policy), *check_sources(folder)]


def check_ports(folder: Path, check_port: PortCheck) -> list[Problem]:
    """Return a problem for every port that the campaign needs and another program uses."""
    try:
        loaded = read_settings(CampaignSettings, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE)
    except ProblemsError:
        return []
    return [
        problem
        for path, address in listening(loaded.model)
        for problem in check_port(int(address.rpartition(":")[2]), ".".join(path), loaded.source.at(*path))
    ]
