"""The switches and lists that a policy declares and operators change without a release; read without its rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from handshake.config.reader import Loaded, read_settings
from handshake.config.settings import Settings
from handshake.config.source import Step
from handshake.core.problem import Problem, ProblemsError
from handshake.edge.policy.actions import Word
from handshake.edge.policy.networks import Network, parse_network, parse_networks


class ListKind(StrEnum):
    """What a list contains."""

    ADDRESS = "address"
    NETWORK = "network"
    TEXT = "text"


# The part of edge.toml that declares switches and lists.


class SwitchSettings(Settings):
    """`[switches.NAME]`: a named setting that operators turn on and off without a release."""

    default: bool = Field(default=False, description="Its value until an operator sets it.")
    description: str = Field(description="What the switch does when on, for whoever turns it on at 3 am.")


class ListSettings(Settings):
    """`[lists.NAME]`: a named set of clients or strings that operators change without a release."""

    kind: ListKind = Field(
        description="`address`: single addresses only; `network`: addresses and networks; `text`: whole strings, "
        "such as user agents."
    )
    description: str = Field(default="", description="What the list is for.")
    entries: tuple[str, ...] = Field(default=(), description="Its initial entries; they do not expire.")
    protected: tuple[str, ...] = Field(
        default=(), description="Entries that never count as listed, whatever the list contains."
    )


class DeclarationSettings(Settings):
    """The tables of switches and lists."""

    switches: dict[Word, SwitchSettings] = Field(default_factory=dict, description="Switches by name.")
    lists: dict[Word, ListSettings] = Field(default_factory=dict, description="Lists by name.")


# What a policy declares, typed.


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
    kind: ListKind
    entries: tuple[Network, ...]
    """Its initial entries."""
    protected: tuple[Network, ...]
    """Never listed, whatever the list contains."""


@dataclass(frozen=True, kw_only=True)
class TextList:
    """A named set of whole strings, such as user agents."""

    name: str
    entries: tuple[str, ...]
    """Its initial entries."""
    protected: tuple[str, ...]
    """Never listed, whatever the list contains."""


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """All switches and lists of a policy."""

    switches: tuple[Switch, ...]
    lists: tuple[AddressList, ...]
    text_lists: tuple[TextList, ...]


class _Excerpt(DeclarationSettings, extra="ignore"):
    """edge.toml, reduced to its declarations."""


def read_declarations(path: Path, *, shown_as: str = "") -> Declarations:
    """Return what the edge.toml of a release declares; raise ProblemsError with every invalid entry.

    Its rules were checked when it was published.
    """
    loaded = read_settings(_Excerpt, path, shown_as=shown_as)
    try:
        return build_declarations(loaded.model)
    except ValueError as error:
        # Only now: a list may start with very many entries, and a ban should not wait for reading them twice.
        raise ProblemsError(check_lists(loaded)) from error


def build_declarations(settings: DeclarationSettings) -> Declarations:
    """Return what the settings declare, by name; ValueError if an entry is not a network."""
    lists = sorted(settings.lists.items())
    return Declarations(
        switches=tuple(
            Switch(name=name, is_on=switch.default) for name, switch in sorted(settings.switches.items())
        ),
        lists=tuple(
            AddressList(
                name=name,
                kind=its.kind,
                entries=parse_networks(its.entries),
                protected=parse_networks(its.protected),
            )
            for name, its in lists
            if its.kind is not ListKind.TEXT
        ),
        text_lists=tuple(
            TextList(name=name, entries=its.entries, protected=its.protected)
            for name, its in lists
            if its.kind is ListKind.TEXT
        ),
    )


# Checks of declared lists; separate from those of rules, because a release's lists are read without its rules.

LONGEST_TEXT = 256
"""The characters of a string in a list: those that every dialect can look up."""

Declaring = TypeVar("Declaring", bound=DeclarationSettings)


def check_lists(loaded: Loaded[Declaring]) -> list[Problem]:
    """Return a problem for every entry that is not valid in its list."""
    return [*_check_networks(loaded), *_check_texts(loaded)]


def check_network(loaded: Loaded[Declaring], path: tuple[Step, ...], text: str) -> Iterator[Problem]:
    """Yield a problem if a text is neither an address nor a network."""
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
            fault = f"{text} is a network, but this list takes only single addresses"
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
    """Return why a string is not valid in a list of strings, or an empty text."""
    if not text.strip() or text != text.strip():
        return f"{text!r} is empty, or starts or ends with a space"
    if not text.isprintable():
        return f"{text!r} contains a control character"
    if len(text) > LONGEST_TEXT:
        return f"the string has {len(text)} characters; the maximum is {LONGEST_TEXT}"
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
        hint="For example: 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.",
    )


def _bad_text(loaded: Loaded[Declaring], path: tuple[Step, ...], fault: str) -> Problem:
    return Problem(
        check="edge-bad-text",
        what=fault,
        where=loaded.source.at(*path),
        hint="Write the whole string as it appears in the request; to match parts, use matches() in a condition.",
    )
