"""Checks of edge.toml beyond types: addresses, names, actions and statuses. Conditions check themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from handshake.config.reader import Loaded
from handshake.config.source import Step
from handshake.core.problem import Problem
from handshake.edge.actions import Action, Decoy, Respond
from handshake.edge.network import parse_network
from handshake.edge.phase import Phase
from handshake.edge.settings import EdgeSettings, ListKind, RuleSettings

_LOWEST_STATUS = 200
_HIGHEST_STATUS = 599


def check_networks(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for every address and network that is none."""
    return [
        Problem(
            check="edge-bad-address",
            what=fault,
            where=loaded.source.at(*path),
            hint="Write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.",
        )
        for path, text, is_single in _walk_networks(loaded.model)
        if (fault := _find_fault(text, is_single=is_single))
    ]


def check_names(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for every rule whose name an earlier one has."""
    counts: Counter[str] = Counter()
    problems: list[Problem] = []
    for number, rule in enumerate(loaded.model.rule):
        counts[rule.name] += 1
        if counts[rule.name] > 1:
            problems.append(
                Problem(
                    check="edge-duplicate-rule",
                    what=f"another rule is named {rule.name} already",
                    where=loaded.source.at("rule", number, "name"),
                    hint="Logs and statistics tell rules apart by name: give it one of its own.",
                )
            )
    return problems


def check_actions(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for every rule that has not exactly one action, or one that its phase cannot do."""
    problems: list[Problem] = []
    for number, rule in enumerate(loaded.model.rule):
        actions = _actions_of(rule)
        if len(actions) != 1:
            problems.append(_one_action(loaded, number, actions))
        problems += [
            _wrong_phase(loaded, number, rule, name)
            for name, action in actions.items()
            if rule.phase not in action.phases
        ]
        if rule.respond and rule.respond.reason and rule.phase is Phase.ADMIT:
            problems.append(_reason_at_door(loaded, number))
    return problems


def check_statuses(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for every status that no visitor's program knows."""
    return [
        Problem(
            check="edge-status",
            what=f"{status} is no HTTP status that an edge may answer with",
            where=loaded.source.at(*path),
            hint='Use a registered one and say the rest in the body: status = 403, body = "Bad Taco."',
        )
        for path, status in _walk_statuses(loaded.model)
        if not _LOWEST_STATUS <= status <= _HIGHEST_STATUS
    ]


def _walk_networks(settings: EdgeSettings) -> Iterator[tuple[tuple[Step, ...], str, bool]]:
    for number, text in enumerate(settings.trusted_proxies):
        yield ("trusted_proxies", number), text, False
    for number, text in enumerate(settings.proxy_protocol):
        yield ("proxy_protocol", number), text, False
    for name, its in settings.lists.items():
        for number, text in enumerate(its.entries):
            yield ("lists", name, "entries", number), text, its.kind is ListKind.ADDRESS
        for number, text in enumerate(its.protected):
            yield ("lists", name, "protected", number), text, False


def _find_fault(text: str, *, is_single: bool) -> str:
    try:
        network = parse_network(text)
    except ValueError as error:
        return str(error)
    if is_single and network.prefixlen < network.max_prefixlen:
        return f"{text} is a network, and the list holds single addresses"
    return ""


def _walk_statuses(settings: EdgeSettings) -> Iterator[tuple[tuple[Step, ...], int]]:
    for number, rule in enumerate(settings.rule):
        if rule.respond:
            yield ("rule", number, "respond", "status"), rule.respond.status
        if rule.decoy:
            for place, answer in enumerate(rule.decoy.answers):
                yield ("rule", number, "decoy", "answers", place, "status"), answer.status


def _actions_of(rule: RuleSettings) -> dict[str, Action]:
    possible: dict[str, Respond | Decoy | None] = {"respond": rule.respond, "decoy": rule.decoy}
    return {name: action for name, action in possible.items() if action}


def _one_action(loaded: Loaded[EdgeSettings], number: int, actions: dict[str, Action]) -> Problem:
    has = " and ".join(actions) or "none"
    return Problem(
        check="edge-one-action",
        what=f"a rule has exactly one action, and this one has {has}",
        where=loaded.source.at("rule", number),
        hint="Write either respond = { ... } or decoy = { ... }; split the rule for both.",
    )


def _wrong_phase(loaded: Loaded[EdgeSettings], number: int, rule: RuleSettings, name: str) -> Problem:
    return Problem(
        check="edge-action-phase",
        what=f"{name} is impossible in phase {rule.phase}",
        where=loaded.source.at("rule", number, name),
        hint='Only the door can do it: phase = "admit".',
    )


def _reason_at_door(loaded: Loaded[EdgeSettings], number: int) -> Problem:
    return Problem(
        check="edge-reason-phase",
        what="the door cannot choose the reason phrase",
        where=loaded.source.at("rule", number, "respond", "reason"),
        hint='Say it in the body, or decide at the cache: phase = "serve".',
    )
