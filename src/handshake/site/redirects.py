"""`_redirects` -> rules. A line that cannot be kept as it is written is a problem, never left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from handshake.core.problem import Location, Problem
from handshake.core.site_contract import MOVES, Dialect, RedirectRule
from handshake.site.rule_lines import RuleLine, read_lines
from handshake.site.rule_pattern import find_fault, normalise, placeholders

REDIRECTS_FILE = "_redirects"

_STATUS = re.compile(r"(\d{3})(!?)")
_PARAMETER = re.compile(r"([A-Za-z0-9._~-]+)=(:[A-Za-z]\w*|[A-Za-z0-9._~%+-]*)", re.ASCII)
_DEFAULT_STATUSES = {Dialect.NETLIFY: 301, Dialect.CLOUDFLARE: 302}
_STATUSES = {Dialect.NETLIFY: (*MOVES, 200, 404), Dialect.CLOUDFLARE: (*MOVES, 200)}
_KEPT_IN_TARGETS = "%/:?#[]@!$&'()*+,;=~"


@dataclass(frozen=True, kw_only=True)
class PlacedRule:
    """A rule and its line."""

    rule: RedirectRule
    where: Location


class _LineError(Exception):
    """A line that is refused; its problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def parse_redirects(
    text: str, *, shown_as: str, dialect: Dialect
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


def _parse_line(line: RuleLine, dialect: Dialect) -> RedirectRule:
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
        is_forced=is_forced or dialect is Dialect.CLOUDFLARE,
        query=query,
    )
    _check_target(line, rule)
    return rule


def _check_pattern(line: RuleLine, pattern: str, dialect: Dialect) -> None:
    if urlsplit(pattern).scheme:
        raise _unsupported(line, "the rule names a host; a site's rules begin at its own root")
    if fault := find_fault(pattern, dialect):
        raise _syntax(line, f"the path {pattern!r} {fault}")


def _take_query(
    line: RuleLine, words: list[str], dialect: Dialect
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    query: list[tuple[str, str]] = []
    while words and (found := _PARAMETER.fullmatch(words[0])):
        query.append((found[1], found[2]))
        words = words[1:]
    if query and dialect is Dialect.CLOUDFLARE:
        raise _unsupported(line, "Cloudflare's dialect knows no query parameters before the target")
    if len(query) > len({name for name, _ in query}):
        raise _syntax(line, "the rule names a query parameter twice")
    return tuple(sorted(query)), words


def _take_status(line: RuleLine, words: list[str], dialect: Dialect) -> tuple[int, bool]:
    if not words:
        return _DEFAULT_STATUSES[dialect], False
    found = _STATUS.fullmatch(words[0])
    if not found:
        raise _unsupported(line, f"{words[0]!r} is no status, and conditions are not supported")
    if len(words) > 1:
        raise _unsupported(line, f"the condition {words[1]!r} is not supported")
    if int(found[1]) not in _STATUSES[dialect]:
        raise _unsupported(line, f"status {found[1]} is not supported")
    if found[2] and dialect is Dialect.CLOUDFLARE:
        raise _unsupported(line, "Cloudflare's dialect knows no !: there every rule goes before a file")
    return int(found[1]), bool(found[2])


def _check_target(line: RuleLine, rule: RedirectRule) -> None:
    is_path = rule.target.startswith("/") and not rule.target.startswith("//")
    if not is_path and urlsplit(rule.target).scheme not in {"http", "https"}:
        raise _syntax(line, f"the target {rule.target!r} is neither a path nor an http address")
    if not is_path and rule.status not in MOVES:
        raise _unsupported(line, f"status {rule.status} fetches from another host, which a site does not")
    if rule.status not in MOVES and ("?" in rule.target or "#" in rule.target):
        raise _unsupported(line, f"status {rule.status} shows a file, and no file has ? or # in its path")
    given = placeholders(rule.pattern) | {value[1:] for _, value in rule.query if value.startswith(":")}
    after_scheme = rule.target.partition("://")[2] or rule.target
    if unknown := sorted(placeholders(after_scheme.replace("*", "")) - given):
        raise _syntax(line, f"the target asks for :{unknown[0]}, which the path does not give")


def _syntax(line: RuleLine, what: str) -> _LineError:
    hint = "Write a path, a target and, if wanted, a status: /old/* /new/:splat 301"
    return _LineError(Problem(check="redirect-syntax", what=what, where=line.where, hint=hint))


def _unsupported(line: RuleLine, what: str) -> _LineError:
    hint = "Take the line out, or say it in the other way that docs/sites.md shows."
    return _LineError(Problem(check="redirect-unsupported", what=what, where=line.where, hint=hint))
