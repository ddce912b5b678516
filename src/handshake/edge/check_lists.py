"""Checks of the lists that a policy declares; a release's are read without its rules, so they stand apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from handshake.config.reader import Loaded
from handshake.config.source import Step
from handshake.core.problem import Problem
from handshake.edge.declaration_settings import DeclarationSettings
from handshake.edge.lists.kind import ListKind
from handshake.edge.network import parse_network

LONGEST_TEXT = 256
"""Characters of a text in a list: what every dialect can look up."""

Declaring = TypeVar("Declaring", bound=DeclarationSettings)


def check_lists(loaded: Loaded[Declaring]) -> list[Problem]:
    """Return a problem for every entry that its list cannot hold."""
    return [*_check_networks(loaded), *_check_texts(loaded)]


def check_network(loaded: Loaded[Declaring], path: tuple[Step, ...], text: str) -> Iterator[Problem]:
    """Yield a problem where a text is neither address nor network."""
    try:
        parse_network(text)
    except ValueError as error:
        yield _bad_address(loaded, path, str(error))


def _check_networks(loaded: Loaded[Declaring]) -> Iterator[Problem]:
    for name, its in loaded.model.lists.items():
        if its.kind is ListKind.TEXT:
            continue
        for key, texts in (("entries", its.entries), ("protected", its.protected)):
            for number, text in enumerate(texts):
                yield from check_network(loaded, ("lists", name, key, number), text)
        if its.kind is ListKind.ADDRESS:
            yield from _check_single(loaded, name, its.entries)


def _check_single(loaded: Loaded[Declaring], name: str, entries: tuple[str, ...]) -> Iterator[Problem]:
    for number, text in enumerate(entries):
        if _is_many(text):
            fault = f"{text} is a network, and the list holds single addresses"
            yield _bad_address(loaded, ("lists", name, "entries", number), fault)


def _check_texts(loaded: Loaded[Declaring]) -> Iterator[Problem]:
    for name, its in loaded.model.lists.items():
        if its.kind is not ListKind.TEXT:
            continue
        for key, texts in (("entries", its.entries), ("protected", its.protected)):
            for number, text in enumerate(texts):
                if fault := find_text_fault(text):
                    yield _bad_text(loaded, ("lists", name, key, number), fault)


def find_text_fault(text: str) -> str:
    """Return what keeps a text out of a list of texts, or nothing."""
    if not text.strip() or text != text.strip():
        return f"{text!r} is empty, or begins or ends with a space"
    if not text.isprintable():
        return f"{text!r} holds a control character"
    if len(text) > LONGEST_TEXT:
        return f"the text has {len(text)} characters; {LONGEST_TEXT} are possible"
    return ""


def _is_many(text: str) -> bool:
    try:
        network = parse_network(text)
    except ValueError:
        return False
    return network.prefixlen < network.max_prefixlen


def _bad_address(loaded: Loaded[Declaring], path: tuple[Step, ...], fault: str) -> Problem:
    return Problem(
        check="edge-bad-address",
        what=fault,
        where=loaded.source.at(*path),
        hint="Write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.",
    )


def _bad_text(loaded: Loaded[Declaring], path: tuple[Step, ...], fault: str) -> Problem:
    return Problem(
        check="edge-bad-text",
        what=fault,
        where=loaded.source.at(*path),
        hint="Write the whole text as the request carries it; use matches() in a condition for parts.",
    )
