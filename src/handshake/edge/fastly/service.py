"""The Protocol of a Fastly service."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where Fastly fetches from: the backend `origin` of every version."""

    host: str
    port: int = 443
    is_tls: bool = True
    shield: str = ""
    """The Fastly site through which all others fetch; empty for none."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """The campaign's part of one version of the service."""

    number: int
    vcl: str = ""
    """The main VCL; empty if the version has none of the campaign's."""
    acls: Mapping[str, str] = field(default_factory=dict)
    """Name -> id, under which entries are stored; an id stays the same in every clone."""
    dictionaries: Mapping[str, str] = field(default_factory=dict)
    """Name -> id, including private ones."""
    origin: Origin | None = None
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class VersionChange:
    """The changes that a draft needs; empty fields stay unchanged."""

    vcl: str = ""
    new_acls: tuple[str, ...] = ()
    old_acls: tuple[str, ...] = ()
    new_dictionaries: tuple[str, ...] = ()
    new_private: tuple[str, ...] = ()
    old_dictionaries: tuple[str, ...] = ()
    origin: Origin | None = None
    is_new_origin: bool = False
    domains: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to change."""
        return self == VersionChange()


class FastlyService(Protocol):
    """One service at Fastly. A version is atomic: a draft serves nobody, an activated one serves everywhere or is refused.

    Entries of ACLs and dictionaries are not: they belong to no version, a batch of a thousand is one step, and each of
    Fastly's machines learns it on its own, within half a minute or so. Nothing here can be asked of all the machines.

    Every method may be repeated. UnavailableError: Fastly does not answer, or has been asked too often, with the moment
    from which it answers again in the hint. RefusedError: Fastly says no, with its own message in the details.
    """

    def active(self) -> Version | None:
        """Return the version that Fastly says is active, read whole; None while none is."""
        ...

    def draft(self) -> Version:
        """Return a copy of the active version, or of the newest where none is active, that nobody is served."""
        ...

    def change(self, number: int, change: VersionChange) -> Version:
        """Change a draft and return it as it was read back."""
        ...

    def lint(self, text: str) -> tuple[str, ...]:
        """Return what Fastly's linter calls an error in a VCL that needs no account."""
        ...

    def validate(self, number: int) -> None:
        """Require that Fastly accepts a draft; RefusedError with its words otherwise."""
        ...

    def activate(self, number: int) -> None:
        """Ask for a version to serve everybody; accepted when it returns, and read back by `active` later.

        An older version that was active before may be asked for too: that is how to roll back.
        """
        ...

    def entries(self, acl: str) -> Mapping[str, str]:
        """Return an ACL's addresses and networks with their ids, all pages of them."""
        ...

    def change_entries(self, acl: str, *, add: Collection[str], remove: Mapping[str, str]) -> None:
        """Take entries (with their ids) out of an ACL and put others in, in batches; what goes goes first."""
        ...

    def items(self, dictionary: str) -> Mapping[str, str]:
        """Return a dictionary's items, all pages of them."""
        ...

    def change_items(self, dictionary: str, *, put: Mapping[str, str], remove: Collection[str]) -> None:
        """Take items out of a dictionary and give others their values, in batches; what goes goes first."""
        ...

    def purge(self, tags: Sequence[str], *, is_soft: bool) -> None:
        """Forget everything that has one of these tags; softly means that it is stale from now on, and kept."""
        ...
