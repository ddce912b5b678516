"""Acks and refusals: what a place verifiably serves, as stored in the catalogue, and the places of a subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Delete, Write
from handshake.catalog.keys import ACKS, ack_key
from handshake.core.clock import Clock
from handshake.core.subject import Kind


class Role(StrEnum):
    """The role of a place."""

    INGRESS = "ingress"
    CACHE = "cache"
    GATEWAY = "gateway"
    NODE = "node"
    FASTLY = "fastly"
    """One place for all of Fastly's machines, which cannot be asked one by one; written without a node."""


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """A program in the configuration that must acknowledge; written `role@node`."""

    role: Role
    node: str

    def __str__(self) -> str:
        return f"{self.role}@{self.node}" if self.node else str(self.role)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A place's statement that it cannot serve a revision."""

    revision: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Ack:
    """A place's statement, read back from the running program, that it serves a subject at a revision."""

    place: str
    subject: str
    """A pointer (`site/calls`), `pool/<service>`, `list/<name>`, `switches`, `purges` or `site-traffic`."""
    revision: int
    """The revision it serves; 0 if it serves nothing of the subject yet."""
    proof: str
    """The program's own answer when asked, on one line."""
    at: float
    """UTC, seconds since the epoch, by the writer's clock."""
    refusal: Refusal | None = None
    """Set while the place cannot serve the requested revision; `revision` stays what it serves."""


def is_served(revision: int, acks: tuple[Ack, ...], places: tuple[Place, ...]) -> bool:
    """Return whether all of the places serve the revision or a later one."""
    serving = {ack.place for ack in acks if ack.revision >= revision}
    return all(str(place) in serving for place in places)


# The acks as stored in the catalogue, and the places of a subject.

SWITCHES_SUBJECT = "switches"
PURGES_SUBJECT = "purges"
SITE_TRAFFIC_SUBJECT = "site-traffic"
"""Previews and splits."""
FASTLY = Place(role=Role.FASTLY, node="")

_ROLES_BY_KIND = {
    Kind.SITE: (Role.CACHE,),
    Kind.POLICY: (Role.INGRESS, Role.CACHE, Role.GATEWAY, Role.NODE),
    Kind.IMAGE: (Role.NODE,),
    Kind.TEMPLATES: (Role.NODE,),
    "pool": (Role.GATEWAY,),
    "list": (Role.INGRESS,),
    SWITCHES_SUBJECT: (Role.INGRESS,),
    PURGES_SUBJECT: (Role.CACHE,),
    SITE_TRAFFIC_SUBJECT: (Role.CACHE,),
}


def pool_subject(service: str) -> str:
    """Return the subject under which gateways acknowledge a service's pool."""
    return f"pool/{service}"


def list_subject(name: str) -> str:
    """Return the subject under which ingresses acknowledge a list."""
    return f"list/{name}"


def concerned_places(subject: str, nodes: Iterable[str], *, has_fastly: bool = False) -> tuple[Place, ...]:
    """Return every place that must acknowledge a subject: all places in the configuration.

    Fastly must acknowledge policies and purges. It also acknowledges lists and switches, but nobody waits for that.
    """
    kind = subject.partition("/")[0]
    own = tuple(Place(role=role, node=node) for node in nodes for role in _ROLES_BY_KIND[kind])
    return (*own, FASTLY) if has_fastly and kind in {Kind.POLICY, PURGES_SUBJECT} else own


def decode_acks(entries: Iterable[CatalogEntry]) -> tuple[Ack, ...]:
    """Return the acks in these entries."""
    return tuple(decode(Ack, entry.value) for entry in entries)


def acks_of(subject: str, acks: Iterable[Ack]) -> tuple[Ack, ...]:
    """Return the acks of one subject."""
    return tuple(ack for ack in acks if ack.subject == subject)


def read_acks(catalog: Catalog) -> tuple[Ack, ...]:
    """Return every ack."""
    return decode_acks(catalog.read(ACKS).entries)


class AckWriter:
    """Writes the acks of one place, whenever the state that was read back changes."""

    def __init__(self, catalog: Catalog, clock: Clock, place: Place) -> None:
        self._catalog = catalog
        self._clock = clock
        self._place = place
        self._written: dict[str, Ack] = {}

    def withdraw_all(self) -> None:
        """Withdraw the acks of an earlier agent: they were not read back from the current processes."""
        prefix = ack_key(str(self._place), "")
        for entry in self._catalog.read(prefix).entries:
            self._catalog.transact([Delete(key=entry.key)])
        self._written.clear()

    def serve(self, subject: str, revision: int, proof: str) -> None:
        """Write that the running program was confirmed to serve a subject at a revision."""
        self._write(self._ack(subject, revision, proof, None))

    def refuse(self, subject: str, revision: int, reason: str) -> None:
        """Write that the place cannot serve a revision; what it serves stays recorded."""
        before = self._known(subject)
        serving, proof = (before.revision, before.proof) if before else (0, "")
        self._write(self._ack(subject, serving, proof, Refusal(revision=revision, reason=reason)))

    def _ack(self, subject: str, revision: int, proof: str, refusal: Refusal | None) -> Ack:
        return Ack(
            place=str(self._place),
            subject=subject,
            revision=revision,
            proof=proof,
            at=self._clock.now(),
            refusal=refusal,
        )

    def _known(self, subject: str) -> Ack | None:
        if subject not in self._written:
            entry = self._catalog.get(ack_key(str(self._place), subject))
            if entry:
                self._written[subject] = decode(Ack, entry.value)
        return self._written.get(subject)

    def _write(self, ack: Ack) -> None:
        before = self._known(ack.subject)
        if before and (before.revision, before.refusal) == (ack.revision, ack.refusal):
            return
        self._catalog.transact([Write(key=ack_key(str(self._place), ack.subject), value=encode(ack))])
        self._written[ack.subject] = ack
