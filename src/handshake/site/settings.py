"""`site.toml`: how a site is built, and what of the output is published."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field

from handshake.config.reader import Loaded
from handshake.config.settings import Settings
from handshake.core.problem import Location, Problem
from handshake.release.manifest import RulesDialect

_PARAMETER = re.compile(r"[A-Za-z0-9._~-]{1,64}")


class SiteSettings(Settings):
    """How a site is built and what its output is."""

    build: tuple[str, ...] = Field(
        default=(),
        description="The command that builds the site, one word per element, run in the folder of site.toml "
        "without a shell. Empty if the output needs no build.",
    )
    output: str = Field(
        min_length=1, description="The folder with the built site, relative to the folder of site.toml."
    )
    assets: tuple[str, ...] = Field(
        default=(),
        description="Folders of the output, each ending in a slash, in which every file name contains a content "
        "hash. They are shared by all releases and cached for a year.",
    )
    pretty_urls: bool = Field(
        default=True,
        description="true: `/about` serves about.html, and `/about.html` redirects to it; false: the URL of each file "
        "is its name.",
    )
    not_found: str = Field(
        default="404.html",
        description="The file of the output to serve with status 404 if there is no file at a path. If the output "
        "does not contain it, a line of text is served.",
    )
    fallback: str = Field(
        default="",
        description="The file of the output to serve with status 200 at paths without an extension at "
        'which there is no file: `"index.html"` for an app with client-side routing. Empty: none.',
    )
    query: tuple[str, ...] = Field(
        default=(),
        description="Query parameters that are part of the edge's cache key; all others are ignored.",
    )
    dialect: RulesDialect = Field(
        default=RulesDialect.NETLIFY, description="The dialect of the files `_redirects` and `_headers`."
    )
    retention_days: int = Field(
        default=30,
        ge=1,
        description="How many days to keep the assets of a release after the site has moved on, for tabs that "
        "are still open.",
    )


def check_site(loaded: Loaded[SiteSettings]) -> list[Problem]:
    """Return what the types alone do not see, each problem with its place."""
    settings = loaded.model
    problems = []
    if settings.build and not settings.build[0].strip():
        problems.append(
            _problem("site-build-empty", loaded.source.at("build", 0), "the build command is empty")
        )
    if fault := _path_fault(settings.output.removesuffix("/")):
        what = f"output {settings.output!r} {fault}"
        problems.append(_problem("site-output-path", loaded.source.at("output"), what))
    for number, prefix in enumerate(settings.assets):
        problems += _check_prefix(prefix, settings.assets[:number], loaded.source.at("assets", number))
    return [*problems, *_check_pages(loaded), *_check_query(loaded)]


def _check_pages(loaded: Loaded[SiteSettings]) -> Iterator[Problem]:
    for name, page in (("not_found", loaded.model.not_found), ("fallback", loaded.model.fallback)):
        if page and (fault := _path_fault(page)):
            yield _problem("site-page-path", loaded.source.at(name), f"{name} {page!r} {fault}")


def _check_query(loaded: Loaded[SiteSettings]) -> Iterator[Problem]:
    for number, name in enumerate(loaded.model.query):
        if not _PARAMETER.fullmatch(name):
            what = f"the query parameter {name!r} contains characters other than letters, digits and -._~"
            yield _problem("site-query-name", loaded.source.at("query", number), what)


def _check_prefix(prefix: str, before: tuple[str, ...], where: Location) -> list[Problem]:
    if not prefix.endswith("/"):
        return [_problem("site-asset-prefix", where, f"the asset folder {prefix!r} does not end in a slash")]
    if fault := _path_fault(prefix.removesuffix("/")):
        return [_problem("site-asset-prefix", where, f"the asset folder {prefix!r} {fault}")]
    for other in before:
        if prefix.startswith(other) or other.startswith(prefix):
            return [_problem("site-asset-overlap", where, f"the asset folder {prefix!r} overlaps {other!r}")]
    return []


def _path_fault(path: str) -> str:
    if path.startswith("/"):
        return "is absolute"
    if not all(part not in {"", ".", ".."} for part in path.split("/")):
        return "contains an empty part, . or .."
    return "" if path.isprintable() else "contains a control character"


_HINTS = {
    "site-build-empty": 'Start with a program, as in build = ["npm", "run", "build"], or remove `build`.',
    "site-output-path": 'Use a folder beside or below site.toml, as in output = "dist".',
    "site-asset-prefix": 'Use a folder of the output, as in assets = ["assets/"].',
    "site-page-path": 'Use a file of the output, as in not_found = "404.html".',
    "site-query-name": 'Write it as in the URL, as in query = ["page"].',
    "site-asset-overlap": "Keep the outer folder; its content is included.",
}


def _problem(check: str, where: Location, what: str) -> Problem:
    return Problem(check=check, what=what, where=where, hint=_HINTS[check])
