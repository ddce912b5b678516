"""What a policy declares and operators change without a release: switches and lists, read without its rules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import read_settings
from handshake.core.problem import ProblemsError
from handshake.edge.check_lists import check_lists
from handshake.edge.declaration_settings import DeclarationSettings
from handshake.edge.lists.kind import ListKind
from handshake.edge.network import Network, parse_networks


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
    """What it holds at first."""
    protected: tuple[Network, ...]
    """Never listed, whatever the list says."""


@dataclass(frozen=True, kw_only=True)
class TextList:
    """A named set of whole texts, such as user agents."""

    name: str
    entries: tuple[str, ...]
    """What it holds at first."""
    protected: tuple[str, ...]
    """Never listed, whatever the list says."""


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """All switches and lists of a policy."""

    switches: tuple[Switch, ...]
    lists: tuple[AddressList, ...]
    text_lists: tuple[TextList, ...]


class _Excerpt(DeclarationSettings, extra="ignore"):
    """edge.toml, of which nothing else is read."""


def read_declarations(path: Path, *, shown_as: str = "") -> Declarations:
    """Return what the edge.toml of a release declares; ProblemsError names every entry that is none.

    Its rules were checked when it was published.
    """
    loaded = read_settings(_Excerpt, path, shown_as=shown_as)
    try:
        return build_declarations(loaded.model)
    except ValueError as error:
        # Only now: a list may begin with very many entries, and a ban does not wait for two readings of them.
        raise ProblemsError(check_lists(loaded)) from error


def build_declarations(settings: DeclarationSettings) -> Declarations:
    """Return what the settings declare, by name; ValueError where an entry is no network."""
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
