"""A service in a catalogue in memory, with its pointers and its record as a leader left them."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.catalog.codec import encode
from handshake.catalog.entries import Write
from handshake.catalog.keys import rollout_key
from handshake.core.digest import Digest, digest_bytes
from handshake.core.subject import parse_subject
from handshake.fleet.engine.state import Rollout
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Generation
from handshake.fleet.rollouts.control import Holds, Rollouts
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.image_contract import Contract, Health
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

IMAGE, LOOK = "image/hamm", "templates/hamm"
_CONTRACT = Contract(
    command=("serve",),
    health=Health(path="/health", deadline_seconds=10.0),
    templates="hamm",
    drain_seconds=5.0,
    memory_megabytes=64,
)


def release(name: str) -> Digest:
    """Return the digest of a release that the test calls by a name."""
    return digest_bytes(name.encode())


@dataclass
class Controlled:
    """What a verb finds."""

    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def pointers(self) -> Pointers:
        """The pointers."""
        return Pointers(self.catalog, self.clock)

    @property
    def holds(self) -> Holds:
        """The holds."""
        return Holds(self.catalog, self.clock)

    def rollouts(self, who: str = "ada") -> Rollouts:
        """Return somebody's say in rollouts."""
        return Rollouts(
            who=who, catalog=self.catalog, pointers=self.pointers, targets=targets(), holds=self.holds
        )

    def promote(self, subject: str, name: str) -> Pointer:
        """Move a pointer."""
        found = self.pointers.get(parse_subject(subject))
        move = Move(
            subject=parse_subject(subject),
            release=release(name),
            from_revision=found.revision if found else 0,
            moved_by="ada",
            reason="because",
        )
        return self.pointers.move([move])[0]

    def settle(self, image: str, look: str) -> None:
        """Promote a pair of releases, and leave the record and the pointers as a settled leader does."""
        for subject, name in ((IMAGE, image), (LOOK, look)):
            self.pointers.settle(self.promote(subject, name))
        stable = Generation(image=release(image), templates=release(look))
        record = Write(key=rollout_key("hamm"), value=encode(Rollout(service="hamm", stable=stable)))
        self.catalog.transact([record])


def targets() -> GenerationReader:
    """Return targets of images that all serve the templates `hamm`."""
    return GenerationReader(contract_of=contract_of, secrets_digest=lambda _: "")


def contract_of(_: Digest) -> Contract:
    """Return the contract of any image."""
    return _CONTRACT
