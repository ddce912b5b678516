"""`_redirects`: parsed, checked for rules that can never apply, and applied to a request."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import merge
from urllib.parse import quote, urlsplit

from handshake.core.problem import Location, Problem
from handshake.core.url_path import canonical_path
from handshake.release.manifest import MOVES, RedirectRule, RulesDialect
from handshake.site.rules import (
    RuleLine,
    bare_path,
    fill_in,
    find_fault,
    is_static,
    match,
    normalise,
    placeholders,
    read_lines,
    samples,
)

REDIRECTS_FILE = "_redirects"

_STATUS = re.compile(r"(\d{3})(!?)")
_PARAMETER = re.compile(r"([A-Za-z0-9._~-]+)=(:[A-Za-z]\w*|[A-Za-z0-9._~%+-]*)", re.ASCII)
_DEFAULT_STATUSES = {RulesDialect.NETLIFY: 301, RulesDialect.CLOUDFLARE: 302}
_STATUSES = {RulesDialect.NETLIFY: (*MOVES, 200, 404), RulesDialect.CLOUDFLARE: (*MOVES, 200)}
_KEPT_IN_TARGETS = "%/:?#[]@!$&'()*+,;=~"


@dataclass(frozen=True, kw_only=True)
class PlacedRule:
    """A rule and its line."""

    rule: RedirectRule
    where: Location


class _LineError(Exception):
    """A refused line, as a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def parse_redirects(
    text: str, *, shown_as: str, dialect: RulesDialect
) -> tuple[tuple[PlacedRule, ...], list[Problem]]:
    """Return the file's rules in their order, and a problem for each line that is none."""
    rules: list[PlacedRule] = []
    problems: list[Problem] = []
    for line in read_lines(text, shown_as):
        try:
            rules.append(PlacedRule(rule=_parse_line(line, dialect), where=line.where))
        except _LineError as error:
            problems.append(error.problem)
    return tuple(rules), problems


def _parse_line(line: RuleLine, dialect: RulesDialect) -> RedirectRule:
    pattern, *words = line.text.split()
    _check_pattern(line, pattern, dialect)
    query, words = _take_query(line, words, dialect)
    if not words:
        raise _syntax(line, "the line has no target")
    target, *words = words
    status, is_forced = _take_status(line, words, dialect)
    rule = RedirectRule(
        pattern=normalise(pattern),
        target=quote(target, safe=_KEPT_IN_TARGETS),
        status=status,
        is_forced=is_forced or dialect is RulesDialect.CLOUDFLARE,
        query=query,
    )
    _check_target(line, rule)
    return rule


def _check_pattern(line: RuleLine, pattern: str, dialect: RulesDialect) -> None:
    if urlsplit(pattern).scheme:
        raise _unsupported(line, "the rule contains a host; a site's rules are relative to its root")
    if fault := find_fault(pattern, dialect):
        raise _syntax(line, f"the path {pattern!r} {fault}")


def _take_query(
    line: RuleLine, words: list[str], dialect: RulesDialect
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    query: list[tuple[str, str]] = []
    while words and (found := _PARAMETER.fullmatch(words[0])):
        query.append((found[1], found[2]))
        words = words[1:]
    if query and dialect is RulesDialect.CLOUDFLARE:
        raise _unsupported(line, "Cloudflare's dialect does not support query parameters before the target")
    if len(query) > len({name for name, _ in query}):
        raise _syntax(line, "the rule contains a query parameter twice")
    return tuple(sorted(query)), words


def _take_status(line: RuleLine, words: list[str], dialect: RulesDialect) -> tuple[int, bool]:
    if not words:
        return _DEFAULT_STATUSES[dialect], False
    found = _STATUS.fullmatch(words[0])
    if not found:
        raise _unsupported(line, f"{words[0]!r} is not a status, and conditions are not supported")
    if len(words) > 1:
        raise _unsupported(line, f"the condition {words[1]!r} is not supported")
    if int(found[1]) not in _STATUSES[dialect]:
        raise _unsupported(line, f"status {found[1]} is not supported")
    if found[2] and dialect is RulesDialect.CLOUDFLARE:
        raise _unsupported(line, "Cloudflare's dialect does not support !: every rule precedes files there")
    return int(found[1]), bool(found[2])


def _check_target(line: RuleLine, rule: RedirectRule) -> None:
    is_path = rule.target.startswith("/") and not rule.target.startswith("//")
    if not is_path and urlsplit(rule.target).scheme not in {"http", "https"}:
        raise _syntax(line, f"the target {rule.target!r} is neither a path nor an http address")
    if not is_path and rule.status not in MOVES:
        raise _unsupported(line, f"status {rule.status} would proxy another host, which sites do not support")
    if rule.status not in MOVES and ("?" in rule.target or "#" in rule.target):
        raise _unsupported(line, f"status {rule.status} serves a file, and file paths cannot contain ? or #")
    given = placeholders(rule.pattern) | {value[1:] for _, value in rule.query if value.startswith(":")}
    after_scheme = rule.target.partition("://")[2] or rule.target
    if unknown := sorted(placeholders(after_scheme.replace("*", "")) - given):
        raise _syntax(line, f"the target uses :{unknown[0]}, which the path does not define")


def _syntax(line: RuleLine, what: str) -> _LineError:
    hint = "Write a path, a target and optionally a status: /old/* /new/:splat 301"
    return _LineError(Problem(check="redirect-syntax", what=what, where=line.where, hint=hint))


def _unsupported(line: RuleLine, what: str) -> _LineError:
    hint = "Remove the line, or use the alternative in docs/reference/site-files.md."
    return _LineError(Problem(check="redirect-unsupported", what=what, where=line.where, hint=hint))


# What a site's redirects make of a request: pure, as the edge must do it.


@dataclass(frozen=True, kw_only=True)
class Redirection:
    """The rule that applies to a request, and its target."""

    rule: RedirectRule
    target: str
    """With placeholders filled in, and with the request's query if the target has none."""


class Redirects:
    """A site's rules, indexed by path: lookups are fast however many there are."""

    def __init__(self, rules: Iterable[RedirectRule], dialect: RulesDialect) -> None:
        self._dialect = dialect
        self._static: dict[str, list[tuple[int, RedirectRule]]] = defaultdict(list)
        self._wide: list[tuple[int, RedirectRule]] = []
        for number, rule in enumerate(rules):
            if is_static(rule.pattern):
                self._static[bare_path(rule.pattern, dialect)].append((number, rule))
            else:
                self._wide.append((number, rule))

    def find(self, path: str, query: str = "") -> Redirection | None:
        """Return the first rule that matches a path in its one spelling, whether or not a file stands there."""
        static = self._static.get(bare_path(path, self._dialect), ())
        for _, rule in merge(static, self._wide, key=lambda numbered: numbered[0]):
            if (values := _match_rule(rule, path, query, self._dialect)) is not None:
                target = fill_in(rule.target, values)
                return Redirection(rule=rule, target=_carry_query(rule, target, query))
        return None

    def follow(self, path: str, has_file: Callable[[str], bool]) -> tuple[RedirectRule, ...]:
        """Return the rules that a visitor meets one after the other; the last is met twice in a circle."""
        met: list[RedirectRule] = []
        while found := self.find(path):
            if has_file(path) and not found.rule.is_forced:
                break
            met.append(found.rule)
            if found.rule in met[:-1] or found.rule.status not in MOVES or not found.target.startswith("/"):
                break
            path = canonical_path(found.target.partition("?")[0].partition("#")[0])
        return tuple(met)


def _match_rule(rule: RedirectRule, path: str, query: str, dialect: RulesDialect) -> dict[str, str] | None:
    values = match(rule.pattern, path, dialect)
    if values is None:
        return None
    given = _read_query(query)
    for name, wanted in rule.query:
        if name not in given or not (wanted.startswith(":") or given[name] == wanted):
            return None
        if wanted.startswith(":"):
            values[wanted[1:]] = given[name]
    return values


def _read_query(query: str) -> dict[str, str]:
    """Return the parameters as they are written; the first of a name counts."""
    given: dict[str, str] = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if equals:
            given.setdefault(name, value)
    return given


def _carry_query(rule: RedirectRule, target: str, query: str) -> str:
    if not query or rule.query or "?" in rule.target or rule.status not in MOVES:
        return target
    address, hash_mark, fragment = target.partition("#")
    return f"{address}?{query}{hash_mark}{fragment}"


# Rules of `_redirects` that can never do what they say: reported with their lines.


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


def check_redirects(
    rules: tuple[PlacedRule, ...], paths: PublishedPaths, dialect: RulesDialect
) -> list[Problem]:
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


def _find_shadowed(rules: tuple[PlacedRule, ...], dialect: RulesDialect) -> Iterator[Problem]:
    static: dict[tuple[str, tuple[tuple[str, str], ...]], PlacedRule] = {}
    wide: list[PlacedRule] = []
    for placed in rules:
        rule = placed.rule
        key = bare_path(rule.pattern, dialect)
        before = static.get((key, rule.query)) or static.get((key, ()))
        before = before or next((each for each in wide if _covers(each.rule, rule, dialect)), None)
        if before:
            what = f"{rule.pattern} is already matched by line {before.where.line}"
            hint = "Put the narrower rule before the wider one, or remove one of them."
            yield Problem(check="redirect-shadowed", what=what, where=placed.where, hint=hint)
        elif is_static(rule.pattern):
            static[key, rule.query] = placed
        else:
            wide.append(placed)


def _covers(earlier: RedirectRule, later: RedirectRule, dialect: RulesDialect) -> bool:
    if not set(earlier.query) <= set(later.query):
        return False
    return all(match(earlier.pattern, sample, dialect) is not None for sample in samples(later.pattern))


def _find_unmatched(rules: tuple[PlacedRule, ...], paths: PublishedPaths) -> Iterator[Problem]:
    for placed in rules:
        rule = placed.rule
        if not rule.is_forced and is_static(rule.pattern) and _has_file(rule.pattern, paths):
            what = f"there is a file at {rule.pattern}, which precedes the rule"
            hint = "Add ! after the status, as in 301!, or remove the file or the line."
            yield Problem(check="redirect-unmatched", what=what, where=placed.where, hint=hint)


def _find_fileless(rules: tuple[PlacedRule, ...], paths: PublishedPaths) -> Iterator[Problem]:
    for placed in rules:
        rule = placed.rule
        if rule.status not in MOVES and is_static(rule.target) and not _has_file(rule.target, paths):
            what = f"status {rule.status} serves {rule.target}, which is not a file of the site"
            hint = "Use a file of the output."
            yield Problem(check="redirect-no-file", what=what, where=placed.where, hint=hint)


def _find_loops(
    rules: tuple[PlacedRule, ...], paths: PublishedPaths, dialect: RulesDialect
) -> Iterator[Problem]:
    redirects = Redirects([placed.rule for placed in rules], dialect)
    for placed in rules:
        start = samples(placed.rule.pattern)[-1]
        met = redirects.follow(start, lambda path: _has_file(path, paths))
        if met and met[0] is placed.rule and met[-1] in met[:-1]:
            what = f"{placed.rule.pattern} leads to a redirect loop"
            hint = "Use a target that no rule redirects."
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
