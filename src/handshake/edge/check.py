"""Checks of edge.toml beyond types: who is believed, names of rules. Conditions and actions check themselves."""

from __future__ import annotations

from collections import Counter

from handshake.config.reader import Loaded
from handshake.core.problem import Problem
from handshake.edge.check_lists import check_network
from handshake.edge.settings import EdgeSettings


def check_proxies(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for everybody who shall be believed and is neither address nor network."""
    settings = loaded.model
    named = {"trusted_proxies": settings.trusted_proxies, "proxy_protocol": settings.proxy_protocol}
    return [
        problem
        for key, texts in named.items()
        for number, text in enumerate(texts)
        for problem in check_network(loaded, (key, number), text)
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
