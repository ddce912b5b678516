"""The edge policy: edge.toml, read, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import Loaded, read_settings
from handshake.core.problem import Location, ProblemsError
from handshake.edge.actions import Action
from handshake.edge.check import check_actions, check_names, check_networks, check_statuses
from handshake.edge.condition import Declared, parse_condition
from handshake.edge.expression import Expression, IsListed, SwitchIsOn, walk_tests
from handshake.edge.locate import to_problem
from handshake.edge.network import Network, parse_network
from handshake.edge.normal_form import check_size
from handshake.edge.phase import Phase
from handshake.edge.settings import EdgeSettings, FallbackSettings, RuleSettings


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A named setting, on or off."""

    name: str
    is_on: bool
    """Until an operator sets it."""


@dataclass(frozen=True, kw_only=True)
class AddressList:
    """A named set of clients."""

    name: str
    entries: tuple[Network, ...]
    """What it holds at first."""
    protected: tuple[Network, ...]
    """Never listed, whatever the list says."""


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

    @property
    def because(self) -> str:
        """The comment above everything that is compiled from this rule."""
        return f"{self.where.file}:{self.where.line} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the operators wrote, checked."""

    trusted_proxies: tuple[Network, ...]
    proxy_protocol: tuple[Network, ...]
    """Whose connections begin with PROXY protocol."""
    switches: tuple[Switch, ...]
    lists: tuple[AddressList, ...]
    rules: tuple[Rule, ...]
    grace_seconds: int
    fallback: FallbackSettings

    def select_rules(self, phase: Phase) -> tuple[Rule, ...]:
        """Return the phase's rules in order."""
        return tuple(rule for rule in self.rules if rule.phase is phase)

    def needs_switch(self, name: str, phase: Phase) -> bool:
        """Tell whether a rule of the phase reads the switch."""
        return SwitchIsOn(name=name) in self._tests(phase)

    def needs_list(self, name: str, phase: Phase) -> bool:
        """Tell whether a rule of the phase reads the list."""
        return IsListed(name=name) in self._tests(phase)

    def _tests(self, phase: Phase) -> set[object]:
        return {test for rule in self.select_rules(phase) for test in walk_tests(rule.condition)}


def read_policy(path: Path, *, shown_as: str = "") -> Policy:
    """Return a file's policy; ProblemsError names everything that is wrong with it."""
    return build_policy(read_settings(EdgeSettings, path, shown_as=shown_as))


def build_policy(loaded: Loaded[EdgeSettings]) -> Policy:
    """Return the policy that the settings describe; ProblemsError names everything that is wrong."""
    settings = loaded.model
    problems = [
        *check_networks(loaded),
        *check_names(loaded),
        *check_actions(loaded),
        *check_statuses(loaded),
    ]
    declared = Declared(switches=frozenset(settings.switches), lists=frozenset(settings.lists))
    conditions: list[Expression] = []
    for number, rule in enumerate(settings.rule):
        condition, faults = parse_condition(rule.when, declared)
        faults = (*faults, *check_size(condition))
        problems += [to_problem(loaded.source, ("rule", number, "when"), fault) for fault in faults]
        conditions.append(condition)
    if problems:
        raise ProblemsError(problems)
    return _assemble(loaded, conditions)


def _assemble(loaded: Loaded[EdgeSettings], conditions: list[Expression]) -> Policy:
    settings = loaded.model
    return Policy(
        trusted_proxies=_networks(settings.trusted_proxies),
        proxy_protocol=_networks(settings.proxy_protocol),
        switches=tuple(
            Switch(name=name, is_on=switch.default) for name, switch in sorted(settings.switches.items())
        ),
        lists=tuple(
            AddressList(name=name, entries=_networks(its.entries), protected=_networks(its.protected))
            for name, its in sorted(settings.lists.items())
        ),
        rules=tuple(
            _build_rule(rule, condition, loaded.source.at("rule", number))
            for number, (rule, condition) in enumerate(zip(settings.rule, conditions, strict=True))
        ),
        grace_seconds=settings.cache.grace_seconds,
        fallback=settings.fallback,
    )


def _build_rule(rule: RuleSettings, condition: Expression, where: Location) -> Rule:
    action = rule.respond or rule.decoy
    if action is None:
        raise AssertionError("check_actions lets no rule without an action through")
    return Rule(
        name=rule.name, phase=rule.phase, text=rule.when, condition=condition, action=action, where=where
    )


def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(parse_network(text) for text in texts)
