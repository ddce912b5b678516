"""`site.toml`: how a site is built, and what of the result is published."""

from __future__ import annotations

from pydantic import Field

from handshake.config.reader import Loaded
from handshake.config.settings import Settings
from handshake.core.problem import Location, Problem


class SiteSettings(Settings):
    """How a site is built and what its output is."""

    build: tuple[str, ...] = Field(
        default=(),
        description="The command that builds the site, one word per element, run in the folder of site.toml. "
        "No shell reads it. Empty where the output needs no building.",
    )
    output: str = Field(
        min_length=1, description="The folder that holds the built site, relative to the folder of site.toml."
    )
    assets: tuple[str, ...] = Field(
        default=(),
        description="Folders of the output, each ending in a slash, in which every file's name carries a hash "
        "of its content. They are shared by all releases and cached for a year.",
    )


def check_site(loaded: Loaded[SiteSettings]) -> list[Problem]:
    """Return what the types alone do not see, each problem with its place."""
    settings = loaded.model
    problems = []
    if settings.build and not settings.build[0].strip():
        problems.append(
            _problem("site-build-empty", loaded.source.at("build", 0), "the build has no program")
        )
    if fault := _path_fault(settings.output.removesuffix("/")):
        what = f"output {settings.output!r} {fault}"
        problems.append(_problem("site-output-path", loaded.source.at("output"), what))
    for number, prefix in enumerate(settings.assets):
        problems += _check_prefix(prefix, settings.assets[:number], loaded.source.at("assets", number))
    return problems


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
        return "holds an empty part, . or .."
    return "" if path.isprintable() else "holds a control character"


_HINTS = {
    "site-build-empty": 'Name a program first, as in build = ["npm", "run", "build"], or leave build out.',
    "site-output-path": 'Name a folder beside or below site.toml, as in output = "dist".',
    "site-asset-prefix": 'Name a folder of the output, as in assets = ["assets/"].',
    "site-asset-overlap": "Keep the outer folder; what it holds is included.",
}


def _problem(check: str, where: Location, what: str) -> Problem:
    return Problem(check=check, what=what, where=where, hint=_HINTS[check])
