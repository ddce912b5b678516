"""Rules of `_redirects` that can never do what they say: reported with their lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from handshake.core.problem import Problem
from handshake.core.site_contract import MOVES, Dialect, RedirectRule
from handshake.core.url_path import canonical_path
from handshake.site.redirection import Redirects
from handshake.site.redirects import PlacedRule
from handshake.site.rule_pattern import bare_path, is_static, match, samples


class PublishedPaths:
    """The addresses at which a site's files stand."""

    def __init__(self, files: Collection[str], *, is_pretty: bool) -> None:
        self._addresses = frozenset(
            address
            for file in files
            for address in _addresses(canonical_path(f"/{file}"), is_pretty=is_pretty)
        )

    def __contains__(self, path: object) -> bool:
        return path in self._addresses


def check_redirects(rules: tuple[PlacedRule, ...], paths: PublishedPaths, dialect: Dialect) -> list[Problem]:
    """Return a problem for each rule that is shadowed, meets no request, shows no file, or leads in a circle."""
    return [
        *_find_shadowed(rules, dialect),
        *_find_unmatched(rules, paths),
        *_find_fileless(rules, paths),
        *_find_loops(rules, paths, dialect),
    ]


def force_where_no_file(rule: RedirectRule, paths: PublishedPaths) -> RedirectRule:
    """Return a rule of one path as forced where no file stands there: then the edge need not look."""
    if rule.is_forced or not is_static(rule.pattern) or _has_file(rule.pattern, paths):
        return rule
    return replace(rule, is_forced=True)


def _find_shadowed(rules: tuple[PlacedRule, ...], dialect: Dialect) -> Iterator[Problem]:
    static: dict[tuple[str, tuple[tuple[str, str], ...]], PlacedRule] = {}
    wide: list[PlacedRule] = []
    for placed in rules:
        rule = placed.rule
        key = bare_path(rule.pattern, dialect)
        before = static.get((key, rule.query)) or static.get((key, ()))
        before = before or next((each for each in wide if _covers(each.rule, rule, dialect)), None)
        if before:
            what = f"{rule.pattern} is taken by line {before.where.line} already"
            hint = "Put the narrower rule before the wider one, or take one of them out."
            yield Problem(check="redirect-shadowed", what=what, where=placed.where, hint=hint)
        elif is_static(rule.pattern):
            static[key, rule.query] = placed
        else:
            wide.append(placed)


def _covers(earlier: RedirectRule, later: RedirectRule, dialect: Dialect) -> bool:
    if not set(earlier.query) <= set(later.query):
        return False
    return all(match(earlier.pattern, sample, dialect) is not None for sample in samples(later.pattern))


def _find_unmatched(rules: tuple[PlacedRule, ...], paths: PublishedPaths) -> Iterator[Problem]:
    for placed in rules:
        rule = placed.rule
        if not rule.is_forced and is_static(rule.pattern) and _has_file(rule.pattern, paths):
            what = f"a file stands at {rule.pattern}, and goes before the rule"
            hint = "Write ! behind the status, as in 301!, or take the file or the line out."
            yield Problem(check="redirect-unmatched", what=what, where=placed.where, hint=hint)


def _find_fileless(rules: tuple[PlacedRule, ...], paths: PublishedPaths) -> Iterator[Problem]:
    for placed in rules:
        rule = placed.rule
        if rule.status not in MOVES and is_static(rule.target) and not _has_file(rule.target, paths):
            what = f"status {rule.status} shows {rule.target}, which is no file of the site"
            hint = "Name a file of the output."
            yield Problem(check="redirect-no-file", what=what, where=placed.where, hint=hint)


def _find_loops(rules: tuple[PlacedRule, ...], paths: PublishedPaths, dialect: Dialect) -> Iterator[Problem]:
    redirects = Redirects([placed.rule for placed in rules], dialect)
    for placed in rules:
        start = samples(placed.rule.pattern)[-1]
        met = redirects.follow(start, lambda path: _has_file(path, paths))
        if met and met[0] is placed.rule and met[-1] in met[:-1]:
            what = f"a visitor of {placed.rule.pattern} is sent round in a circle"
            hint = "Let the target be a path that no rule sends on."
            yield Problem(check="redirect-loop", what=what, where=placed.where, hint=hint)


def _has_file(path: str, paths: PublishedPaths) -> bool:
    return canonical_path(path) in paths


def _addresses(path: str, *, is_pretty: bool) -> Iterator[str]:
    yield path
    if path.endswith("/index.html"):
        yield path.removesuffix("index.html")
        yield path.removesuffix("/index.html")
    elif is_pretty and path.endswith(".html"):
        yield path.removesuffix(".html")
