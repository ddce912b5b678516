"""Turns a built folder and its settings into the manifest of a release: files, and how they are served."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.subject import Kind
from handshake.release.manifest import HeaderRule, Manifest, ManifestFile, RedirectRule
from handshake.release.tree import Seen, look_at_tree
from handshake.site.contract import make_contract, print_contract
from handshake.site.headers import HEADERS_FILE, parse_headers
from handshake.site.paths import check_paths, content_type
from handshake.site.redirects import (
    REDIRECTS_FILE,
    PublishedPaths,
    check_redirects,
    force_where_no_file,
    parse_redirects,
)
from handshake.site.settings import SiteSettings

RULES_FILES = (REDIRECTS_FILE, HEADERS_FILE)
"""They are read but not served."""


def read_release(folder: Path, settings: SiteSettings, seen: Seen | None = None) -> Manifest:
    """Return the manifest of a site's release; raise ProblemsError with everything that is wrong with the folder.

    What `seen` knows is not read again.
    """
    try:
        manifest, faults = read_site(folder, settings.assets, seen), list[Problem]()
    except ProblemsError as error:
        _, faults = _read_rules(folder, settings, ())
        raise ProblemsError([*error.problems, *faults]) from error
    files = tuple(file for file in manifest.files if file.path not in RULES_FILES)
    paths = frozenset(file.path for file in files)
    (redirects, headers), faults = _read_rules(folder, settings, paths)
    faults += _check_pages(folder, settings, paths)
    if faults:
        raise ProblemsError(faults)
    contract = make_contract(settings, paths, redirects=redirects, headers=headers)
    return replace(manifest, files=files, contract=print_contract(contract))


def _read_rules(
    folder: Path, settings: SiteSettings, paths: Collection[str]
) -> tuple[tuple[tuple[RedirectRule, ...], tuple[HeaderRule, ...]], list[Problem]]:
    redirects_file, headers_file = folder / REDIRECTS_FILE, folder / HEADERS_FILE
    placed, problems = parse_redirects(
        _read(redirects_file), shown_as=str(redirects_file), dialect=settings.dialect
    )
    headers, more = parse_headers(_read(headers_file), shown_as=str(headers_file), dialect=settings.dialect)
    published = PublishedPaths(paths, is_pretty=settings.pretty_urls)
    if paths:
        problems = [*problems, *check_redirects(placed, published, settings.dialect)]
    rules = tuple(force_where_no_file(each.rule, published) for each in placed)
    return (rules, headers), [*problems, *more]


def _read(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""


def _check_pages(folder: Path, settings: SiteSettings, paths: Collection[str]) -> list[Problem]:
    problems = []
    if settings.fallback and settings.fallback not in paths:
        problems.append(
            Problem(
                check="site-no-fallback",
                what="the output does not contain the fallback file of site.toml",
                where=Location(file=str(folder / settings.fallback)),
                hint="Make the build write it, or remove `fallback` from site.toml.",
            )
        )
    if settings.pretty_urls:
        problems += [_collision(folder, path) for path in sorted(paths) if f"{path}.html" in paths]
    return problems


def _collision(folder: Path, path: str) -> Problem:
    return Problem(
        check="site-pretty-collision",
        what=f"{path} and {path}.html would have the same URL",
        where=Location(file=str(folder / path)),
        hint="Rename one of the two, or set pretty_urls = false in site.toml.",
    )


# A built folder -> the manifest of a site. Everything that keeps it from being published is told at once.


def read_site(folder: Path, assets: Sequence[str], seen: Seen | None = None) -> Manifest:
    """Return the manifest of a built site; ProblemsError names every fault of the folder.

    A site's files have a content type instead of a mode: whether a build marks them executable changes
    nothing for a visitor, and so not the release either.
    """
    look = look_at_tree(folder, seen=seen)
    faults = check_paths(folder, look.paths, assets) if folder.is_dir() else []
    if problems := [*faults, *look.problems]:
        raise ProblemsError(problems)
    return Manifest(
        kind=Kind.SITE,
        files=tuple(map(_as_visited, look.files)),
        contract={"assets": list(assets)},
    )


def _as_visited(file: ManifestFile) -> ManifestFile:
    return ManifestFile(
        path=file.path, digest=file.digest, size=file.size, content_type=content_type(file.path)
    )
