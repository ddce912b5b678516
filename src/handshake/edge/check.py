"""Checks of edge.toml beyond types: addresses, entries of lists, names. Conditions check themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from handshake.config.reader import Loaded
from handshake.config.source import Step
from handshake.core.problem import Problem
from handshake.edge.lists.kind import ListKind
from handshake.edge.network import parse_network
from handshake.edge.settings import EdgeSettings

LONGEST_TEXT = 256
"""Characters of a text in a list: what every dialect can look up."""


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


def check_texts(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for every text that no list can hold."""
    return [
        Problem(
            check="edge-bad-text",
            what=fault,
            where=loaded.source.at(*path),
            hint="Write the whole text as the request carries it; use matches() in a condition for parts.",
        )
        for path, text in _walk_texts(loaded.model)
        if (fault := find_text_fault(text))
    ]


def find_text_fault(text: str) -> str:
    """Return what keeps a text out of a list of texts, or nothing."""
    if not text.strip() or text != text.strip():
        return f"{text!r} is empty, or begins or ends with a space"
    if not text.isprintable():
        return f"{text!r} holds a control character"
    if len(text) > LONGEST_TEXT:
        return f"the text has {len(text)} characters; {LONGEST_TEXT} are possible"
    return ""


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


def _walk_networks(settings: EdgeSettings) -> Iterator[tuple[tuple[Step, ...], str, bool]]:
    for number, text in enumerate(settings.trusted_proxies):
        yield ("trusted_proxies", number), text, False
    for number, text in enumerate(settings.proxy_protocol):
        yield ("proxy_protocol", number), text, False
    for name, its in settings.lists.items():
        if its.kind is ListKind.TEXT:
            continue
        for number, text in enumerate(its.entries):
            yield ("lists", name, "entries", number), text, its.kind is ListKind.ADDRESS
        for number, text in enumerate(its.protected):
            yield ("lists", name, "protected", number), text, False


def _walk_texts(settings: EdgeSettings) -> Iterator[tuple[tuple[Step, ...], str]]:
    for name, its in settings.lists.items():
        if its.kind is ListKind.TEXT:
            for key, texts in (("entries", its.entries), ("protected", its.protected)):
                yield from ((("lists", name, key, number), text) for number, text in enumerate(texts))


def _find_fault(text: str, *, is_single: bool) -> str:
    try:
        network = parse_network(text)
    except ValueError as error:
        return str(error)
    if is_single and network.prefixlen < network.max_prefixlen:
        return f"{text} is a network, and the list holds single addresses"
    return ""
