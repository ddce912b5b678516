"""What a site's redirects make of a request: pure, as the edge must do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import merge

from handshake.core.site_contract import MOVES, Dialect, RedirectRule
from handshake.core.url_path import canonical_path
from handshake.site.rule_pattern import bare_path, fill_in, is_static, match


@dataclass(frozen=True, kw_only=True)
class Redirection:
    """The rule that counts for a request, and where it leads."""

    rule: RedirectRule
    target: str
    """With its placeholders filled in, and with the request's query where the target has none."""


class Redirects:
    """A site's rules, ready to be asked: those of one path are found at once, however many they are."""

    def __init__(self, rules: Iterable[RedirectRule], dialect: Dialect) -> None:
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


def _match_rule(rule: RedirectRule, path: str, query: str, dialect: Dialect) -> dict[str, str] | None:
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
