"""Checks of edge_tests.toml against its policy: names that exist, addresses that are some, cases that expect something."""

from __future__ import annotations

import difflib
import ipaddress
from collections import Counter
from collections.abc import Collection, Iterator

from handshake.config.reader import Loaded
from handshake.config.source import Step
from handshake.core.problem import Problem
from handshake.edge.cases import Case, CasesSettings
from handshake.edge.network import parse_network
from handshake.edge.policy import Policy


def check_cases(loaded: Loaded[CasesSettings], policy: Policy) -> list[Problem]:
    """Return everything wrong with the cases, whatever becomes of their requests."""
    problems = list(_check_names(loaded))
    for number, case in enumerate(loaded.model.case):
        problems += _check_known(loaded, policy, number, case)
        problems += _check_addresses(loaded, policy, number, case)
        if not case.expect.model_fields_set:
            problems.append(
                Problem(
                    check="edge-case-expects-nothing",
                    what=f"nothing is expected of case {case.name!r}: it cannot fail",
                    where=loaded.source.at("case", number, "expect"),
                    hint='Say what must become of it: rule = "the-wall", status = 403, goes_on = true.',
                )
            )
    return problems


def _check_names(loaded: Loaded[CasesSettings]) -> Iterator[Problem]:
    counts: Counter[str] = Counter()
    for number, case in enumerate(loaded.model.case):
        counts[case.name] += 1
        if counts[case.name] > 1:
            yield Problem(
                check="edge-duplicate-case",
                what=f"another case is named {case.name!r} already",
                where=loaded.source.at("case", number, "name"),
                hint="Name what this one promises beside the other.",
            )


def _check_known(loaded: Loaded[CasesSettings], policy: Policy, number: int, case: Case) -> Iterator[Problem]:
    rules = [rule.name for rule in policy.rules]
    switches = [its.name for its in policy.switches]
    lists = [*(its.name for its in policy.lists), *(its.name for its in policy.text_lists)]
    for path, name in _walk_rules(case):
        if name and name not in rules:
            yield _unknown(loaded, "rule", name, rules, ("case", number, *path))
    for name in case.switches:
        if name not in switches:
            yield _unknown(loaded, "switch", name, switches, ("case", number, "switches", name))
    for name in case.lists:
        if name not in lists:
            yield _unknown(loaded, "list", name, lists, ("case", number, "lists", name))


def _walk_rules(case: Case) -> Iterator[tuple[tuple[Step, ...], str]]:
    expect = case.expect
    yield ("expect", "rule"), expect.rule or ""
    for key, names in (
        ("matched", expect.matched),
        ("not_matched", expect.not_matched),
        ("limits", expect.limits or ()),
    ):
        yield from ((("expect", key, place), name) for place, name in enumerate(names))
    yield from ((("expect", "arms", name), name) for name in expect.arms)
    yield from ((("exceeded", place), name) for place, name in enumerate(case.exceeded))


def _check_addresses(
    loaded: Loaded[CasesSettings], policy: Policy, number: int, case: Case
) -> Iterator[Problem]:
    try:
        ipaddress.ip_address(case.request.ip)
    except ValueError as error:
        yield _bad_address(loaded, str(error), ("case", number, "request", "ip"))
    texts = {its.name for its in policy.text_lists}
    for name, entries in case.lists.items():
        for place, entry in enumerate(() if name in texts else entries):
            try:
                parse_network(entry)
            except ValueError as error:
                yield _bad_address(loaded, str(error), ("case", number, "lists", name, place))


def _unknown(
    loaded: Loaded[CasesSettings], noun: str, name: str, known: Collection[str], path: tuple[Step, ...]
) -> Problem:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return Problem(
        check=f"edge-unknown-{noun}",
        what=f"the policy has no {noun} {name}",
        where=loaded.source.at(*path),
        hint=f"Did you mean {nearest[0]}?" if nearest else f"There are: {', '.join(known) or 'none'}.",
    )


def _bad_address(loaded: Loaded[CasesSettings], what: str, path: tuple[Step, ...]) -> Problem:
    return Problem(
        check="edge-bad-address",
        what=what,
        where=loaded.source.at(*path),
        hint="Write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.",
    )
