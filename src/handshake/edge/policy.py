"""The edge policy: edge.toml, read, checked and typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import Loaded, read_settings
from handshake.config.source import Path as Steps
from handshake.core.problem import Problem, ProblemsError
from handshake.edge.actions import Action, Decoy
from handshake.edge.adjust import Cache
from handshake.edge.check import check_names, check_proxies
from handshake.edge.check_action import check_actions
from handshake.edge.check_lists import check_lists
from handshake.edge.check_order import check_order
from handshake.edge.condition import Declared, parse_condition, parse_variable
from handshake.edge.declarations import Declarations, build_declarations
from handshake.edge.expression import IsListed, Reads, SwitchIsOn, walk_reads, walk_tests
from handshake.edge.limit import Limit
from handshake.edge.locate import to_problem
from handshake.edge.network import Network, parse_networks
from handshake.edge.normal_form import check_size
from handshake.edge.phase import Phase
from handshake.edge.rule import Rule
from handshake.edge.settings import EdgeSettings, FallbackSettings, RuleSettings
from handshake.edge.variables import Variable

__all__ = ["Policy", "Rule", "build_policy", "read_policy"]


@dataclass(frozen=True, kw_only=True)
class Policy(Declarations):
    """What the operators wrote, checked."""

    trusted_proxies: tuple[Network, ...]
    proxy_protocol: tuple[Network, ...]
    """Whose connections begin with PROXY protocol."""
    rules: tuple[Rule, ...]
    grace_seconds: int
    warm_documents: int
    """How many of a site's new release are fetched before visitors ask."""
    fallback: FallbackSettings

    def select_rules(self, phase: Phase) -> tuple[Rule, ...]:
        """Return the phase's rules in order."""
        return tuple(rule for rule in self.rules if rule.phase is phase)

    def select_limits(self) -> tuple[tuple[Rule, Limit], ...]:
        """Return the rules that limit, in order, each with its limit."""
        return tuple((rule, rule.action) for rule in self.rules if isinstance(rule.action, Limit))

    def select_decoys(self) -> tuple[tuple[Rule, Decoy], ...]:
        """Return the rules that deceive, in order, each with its decoy."""
        return tuple((rule, rule.action) for rule in self.rules if isinstance(rule.action, Decoy))

    def needs_switch(self, name: str, phase: Phase) -> bool:
        """Tell whether a rule of the phase reads the switch."""
        return SwitchIsOn(name=name) in self._tests(phase)

    def needs_list(self, name: str, phase: Phase) -> bool:
        """Tell whether a rule of the phase reads the list."""
        return any(test.name == name for test in self.listings(phase))

    def needs(self, variable: Variable, phase: Phase) -> bool:
        """Tell whether a rule of the phase reads the variable."""
        return any(reads.variable is variable for reads in self.readings(phase))

    def listings(self, phase: Phase) -> tuple[IsListed, ...]:
        """Return each look into a list that the phase's rules take, once."""
        tests = (test for rule in self.select_rules(phase) for test in walk_tests(rule.condition))
        return tuple(dict.fromkeys(test for test in tests if isinstance(test, IsListed)))

    def readings(self, phase: Phase) -> tuple[Reads, ...]:
        """Return each variable that the phase's rules read, once."""
        rules = self.select_rules(phase)
        return tuple(
            dict.fromkeys(reads for rule in rules for reads in (*walk_reads(rule.condition), *rule.reads))
        )

    def _tests(self, phase: Phase) -> set[object]:
        return {test for rule in self.select_rules(phase) for test in walk_tests(rule.condition)}


def read_policy(path: Path, *, shown_as: str = "") -> Policy:
    """Return a file's policy; ProblemsError names everything that is wrong with it."""
    return build_policy(read_settings(EdgeSettings, path, shown_as=shown_as))


def build_policy(loaded: Loaded[EdgeSettings]) -> Policy:
    """Return the policy that the settings describe; ProblemsError names everything that is wrong."""
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
    """Return the rule, None where it has no action, and everything that is wrong with its expressions."""
    condition, faults = parse_condition(rule.when, declared, rule.phase)
    path: Steps = ("rule", number)
    problems = [
        to_problem(loaded.source, (*path, "when"), fault) for fault in (*faults, *check_size(condition))
    ]
    name, action = next(iter(rule.actions.items()), ("", None))
    if action is None:
        return None, problems
    reads: list[Reads] = []
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
    """Yield the variables that an action names, each with its place below the action."""
    match action:
        case Limit(per=per):
            yield ("per",), per
        case Cache(key=key):
            yield from ((("key", number), text) for number, text in enumerate(key))


def _assemble(loaded: Loaded[EdgeSettings], rules: tuple[Rule, ...]) -> Policy:
    settings = loaded.model
    declared = build_declarations(settings)
    return Policy(
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
