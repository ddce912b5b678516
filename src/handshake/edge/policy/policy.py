"""The edge policy: edge.toml, read, checked and typed; its rules and their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import Loaded, read_settings
from handshake.config.source import Path as SourcePath
from handshake.config.source import Path as Steps
from handshake.config.source import Source
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.policy.actions import Action, CacheAction, Decoy, Headers, Limit, RouteAction, Split
from handshake.edge.policy.cel import Fault
from handshake.edge.policy.checks import check_actions, check_names, check_proxies
from handshake.edge.policy.condition import Declared, parse_condition, parse_variable
from handshake.edge.policy.declarations import Declarations, build_declarations, check_lists
from handshake.edge.policy.expression import (
    Expression,
    IsListed,
    SwitchIsOn,
    VariableRef,
    check_size,
    walk_reads,
    walk_tests,
)
from handshake.edge.policy.networks import Network, parse_networks
from handshake.edge.policy.settings import EdgeSettings, FallbackSettings, RuleSettings
from handshake.edge.policy.variables import Phase, Variable

# A rule of the policy, read and checked.


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One condition and its action."""

    name: str
    phase: Phase
    text: str
    """The condition as it was written."""
    condition: Expression
    action: Action
    where: Location
    reads: tuple[VariableRef, ...] = ()
    """What the action reads: the key of a limit, the key of a cache action."""

    @property
    def word(self) -> str:
        """The name as an identifier of letters, digits and `_`: rule names contain no `_`, so different names stay different."""
        return self.name.replace("-", "_")

    @property
    def because(self) -> str:
        """The comment above everything that is compiled from this rule."""
        return f"{self.where.file}:{self.where.line} {self.name}"


@dataclass(frozen=True, kw_only=True)
class EdgePolicy(Declarations):
    """What operators wrote, checked."""

    trusted_proxies: tuple[Network, ...]
    proxy_protocol: tuple[Network, ...]
    """Whose connections start with the PROXY protocol."""
    rules: tuple[Rule, ...]
    grace_seconds: int
    warm_documents: int
    """How many documents of a site's new release are fetched before visitors request them."""
    fallback: FallbackSettings

    def select_rules(self, phase: Phase) -> tuple[Rule, ...]:
        """Return the phase's rules in order."""
        return tuple(rule for rule in self.rules if rule.phase is phase)

    def select_limits(self) -> tuple[tuple[Rule, Limit], ...]:
        """Return the rules with limits, in order, each with its limit."""
        return tuple((rule, rule.action) for rule in self.rules if isinstance(rule.action, Limit))

    def select_decoys(self) -> tuple[tuple[Rule, Decoy], ...]:
        """Return the rules with decoys, in order, each with its decoy."""
        return tuple((rule, rule.action) for rule in self.rules if isinstance(rule.action, Decoy))

    def needs_switch(self, name: str, phase: Phase) -> bool:
        """Return whether a rule of the phase reads the switch."""
        return SwitchIsOn(name=name) in self._tests(phase)

    def needs_list(self, name: str, phase: Phase) -> bool:
        """Return whether a rule of the phase reads the list."""
        return any(test.name == name for test in self.listings(phase))

    def needs(self, variable: Variable, phase: Phase) -> bool:
        """Return whether a rule of the phase reads the variable."""
        return any(reads.variable is variable for reads in self.readings(phase))

    def listings(self, phase: Phase) -> tuple[IsListed, ...]:
        """Return each list lookup of the phase's rules, once."""
        tests = (test for rule in self.select_rules(phase) for test in walk_tests(rule.condition))
        return tuple(dict.fromkeys(test for test in tests if isinstance(test, IsListed)))

    def readings(self, phase: Phase) -> tuple[VariableRef, ...]:
        """Return each variable that the phase's rules read, once."""
        rules = self.select_rules(phase)
        return tuple(
            dict.fromkeys(reads for rule in rules for reads in (*walk_reads(rule.condition), *rule.reads))
        )

    def _tests(self, phase: Phase) -> set[object]:
        return {test for rule in self.select_rules(phase) for test in walk_tests(rule.condition)}


def read_policy(path: Path, *, shown_as: str = "") -> EdgePolicy:
    """Return a file's policy; raise ProblemsError with everything that is wrong with it."""
    return build_policy(read_settings(EdgeSettings, path, shown_as=shown_as))


def build_policy(loaded: Loaded[EdgeSettings]) -> EdgePolicy:
    """Return the policy that the settings describe; raise ProblemsError with everything that is wrong."""
    settings = loaded.model
    problems = [
        *check_proxies(loaded),
        *check_lists(loaded),
        *check_names(loaded),
        *check_actions(loaded),
    ]
    rules: list[Rule] = []
    for number, rule in enumerate(settings.rule):
        declared = _declare(settings, number)
        built, found = _read_rule(loaded, number, rule, declared)
        problems += found
        rules += [built] if built else []
    problems += check_order(rules)
    if problems:
        raise ProblemsError(problems)
    return _assemble(loaded, tuple(rules))


def _declare(settings: EdgeSettings, number: int) -> Declared:
    return Declared(
        switches=frozenset(settings.switches),
        lists={name: its.kind for name, its in settings.lists.items()},
        arms=frozenset(rule.name for rule in settings.rule[:number] if rule.split),
    )


def _read_rule(
    loaded: Loaded[EdgeSettings], number: int, rule: RuleSettings, declared: Declared
) -> tuple[Rule | None, list[Problem]]:
    """Return the rule, None if it has no action, and everything that is wrong with its expressions."""
    condition, faults = parse_condition(rule.when, declared, rule.phase)
    path: Steps = ("rule", number)
    problems = [
        to_problem(loaded.source, (*path, "when"), fault) for fault in (*faults, *check_size(condition))
    ]
    name, action = next(iter(rule.actions.items()), ("", None))
    if action is None:
        return None, problems
    reads: list[VariableRef] = []
    for place, text in _variables_of(action):
        its, faults = parse_variable(text, declared, rule.phase)
        problems += [to_problem(loaded.source, (*path, name, *place), fault) for fault in faults]
        reads += [its] if its else []
    built = Rule(
        name=rule.name,
        phase=rule.phase,
        text=rule.when,
        condition=condition,
        action=action,
        where=loaded.source.at(*path),
        reads=tuple(reads),
    )
    return built, problems


def _variables_of(action: Action) -> Iterator[tuple[Steps, str]]:
    """Yield the variables that an action names, each with its position below the action."""
    match action:
        case Limit(per=per):
            yield ("per",), per
        case CacheAction(key=key):
            yield from ((("key", number), text) for number, text in enumerate(key))


def _assemble(loaded: Loaded[EdgeSettings], rules: tuple[Rule, ...]) -> EdgePolicy:
    settings = loaded.model
    declared = build_declarations(settings)
    return EdgePolicy(
        trusted_proxies=parse_networks(settings.trusted_proxies),
        proxy_protocol=parse_networks(settings.proxy_protocol),
        switches=declared.switches,
        lists=declared.lists,
        text_lists=declared.text_lists,
        rules=rules,
        grace_seconds=settings.cache.grace_seconds,
        warm_documents=settings.cache.warm_documents,
        fallback=settings.fallback,
    )


# A check across rules: the ingress looks up list entries before any rule of the cache changes a value.


def check_order(rules: Iterable[Rule]) -> list[Problem]:
    """Return a problem for every list lookup of a value that an earlier rule of the cache may have changed."""
    changed: dict[str, str] = {}
    problems: list[Problem] = []
    for rule in (rule for rule in rules if rule.phase is Phase.SERVE):
        problems += [
            _too_late(rule, test, changed[test.reads.name])
            for test in walk_tests(rule.condition)
            if isinstance(test, IsListed) and test.reads.name in changed
        ]
        changed |= dict.fromkeys(_changes(rule.action), rule.name)
    return problems


def _changes(action: Action) -> Iterator[str]:
    """Yield the variables that an action changes, as written in policies."""
    match action:
        case Headers(request=request):
            for name in map(str.lower, (*request.set, *request.remove)):
                yield f'request.header["{name}"]'
                yield from ("request.user_agent",) if name == "user-agent" else ()
        case RouteAction():
            yield "request.path"
        case Split():
            yield 'request.header["cookie"]'


def _too_late(rule: Rule, test: IsListed, changer: str) -> Problem:
    return Problem(
        check="edge-list-after-change",
        what=f"{test.reads.name} is looked up in list {test.name} as it was before rule {changer} changed it",
        where=rule.where,
        hint=f"Put this rule before {changer}: the ingress looks up lists before the cache changes anything.",
    )


# Positions inside a text value, as positions in the file.

_VALUE = re.compile(r"""[^=]*=\s*(?P<quote>'''|\"\"\"|'|")(?P<newline>\r?\n)?""")


def to_problem(source: Source, path: SourcePath, fault: Fault) -> Problem:
    """Return a fault inside a text value as a problem of the file."""
    where = locate(source, path, line=fault.line, column=fault.column)
    return Problem(check=fault.check, what=fault.what, where=where, hint=fault.hint)


def locate(source: Source, path: SourcePath, *, line: int, column: int) -> Location:
    """Return the position in the file of a line and column of a text value.

    Exact for literal strings; in basic strings, every preceding escape shifts the column.
    """
    key = source.at(*path)
    if not key.line:
        return key
    rest = source.text.split("\n", key.line - 1)[-1].encode()[key.column - 1 :].decode(errors="replace")
    found = _VALUE.match(rest)
    if not found:
        return key
    first_line = key.line + rest.count("\n", 0, found.end())
    begins_anew = "\n" in found[0]
    shift = len(found[0]) - found[0].rfind("\n") - 1 if begins_anew else key.column - 1 + found.end()
    return Location(file=key.file, line=first_line + line - 1, column=column + shift if line == 1 else column)
