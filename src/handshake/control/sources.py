"""Checks a campaign's sources: every recipe, site and template folder that handshake.toml names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from handshake.config.reader import Loaded, read_settings
from handshake.control.campaign import CampaignSettings
from handshake.control.mmdb import find_mmdb_fault
from handshake.control.policy_files import CAMPAIGN_FILE
from handshake.core.problem import Problem, ProblemsError
from handshake.image.check import check_recipe
from handshake.image.recipe import read_recipe
from handshake.render.templates import check_templates
from handshake.site.settings import SiteSettings, check_site

Check = Callable[[Path], list[Problem]]


def check_sources(folder: Path) -> list[Problem]:
    """Return everything wrong with the sources; nothing is said of them while handshake.toml cannot be read."""
    try:
        loaded = read_settings(CampaignSettings, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE)
    except ProblemsError:
        return []
    problems = list(_check_countries(loaded, folder))
    for table, name, source, check in _sources(loaded.model, folder):
        problems += _check_folder(loaded, source, table, name) or _attempt(check, source)
    return problems


def _sources(campaign: CampaignSettings, folder: Path) -> Iterator[tuple[str, str, Path, Check]]:
    """Yield every source: its table and name in handshake.toml, its folder, and what is checked of it."""

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
            what=f"the source of {table}.{name} is not there: {source}",
            where=loaded.source.at(table, name, "source"),
            hint="Name a folder relative to handshake.toml.",
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
            hint="script/bootstrap unpacks it; without `countries` every client's country is unknown.",
        )
    if loaded.model.networks:
        yield from _check_mmdb(loaded, folder / loaded.model.networks, "networks")


def _check_mmdb(loaded: Loaded[CampaignSettings], file: Path, setting: str) -> Iterator[Problem]:
    if fault := find_mmdb_fault(file):
        yield Problem(
            check="bad-mmdb",
            what=fault,
            where=loaded.source.at(setting),
            hint=f"docs/edge-data.md says where such files come from; without `{setting}` it is unknown.",
        )
