"""Secrets by hand: what may be set, and what becomes of the old one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from handshake.campaign.secret_rotation import Rotator
from handshake.catalog.codec import encode
from handshake.catalog.entries import Write
from handshake.catalog.journal import read_journal
from handshake.catalog.keys import assignment_key, rollout_key
from handshake.config.secrets import Secrets
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.subject import Kind, Subject
from handshake.fleet.engine.state import BadPart, Rollout, Stage, secrets_part
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Assignment, Generation
from handshake.pointers.pointer import Move
from handshake.pointers.pointers import Pointers
from handshake.release.image_contract import Contract, Health
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

NAME = "store-ledger"
IMAGE = Digest("sha256:" + "1" * 64)
CONTRACT = Contract(
    command=("serve",),
    health=Health(path="/health", deadline_seconds=10.0),
    drain_seconds=5.0,
    memory_megabytes=64,
    stores=("ledger",),
)


@dataclass
class Ingress:
    """A lock in memory: the secrets that open it."""

    opened_by: set[str] = field(default_factory=lambda: {"old"})

    def admit(self, today: str, new: str) -> None:
        """Let another in."""
        assert today in self.opened_by
        self.opened_by.add(new)

    def forget(self, old: str, today: str) -> None:
        """Let one in no more."""
        assert today in self.opened_by
        self.opened_by.discard(old)


@pytest.fixture
def ingress() -> Ingress:
    """What the secret opens."""
    return Ingress()


@pytest.fixture
def rotator(tmp_path: Path, ingress: Ingress) -> Rotator:
    """Somebody who may set the ledger's password, in a campaign whose service hamm is given it."""
    catalog, clock, secrets = MemoryCatalog(), FakeClock(), Secrets(tmp_path / "secrets")
    secrets.write(NAME, "old")
    pointers = Pointers(catalog, clock)
    hamm = Subject(kind=Kind.IMAGE, name="hamm")
    pointers.move([Move(subject=hamm, release=IMAGE, from_revision=0, moved_by="ada", reason="")])
    return Rotator(
        who="ada",
        catalog=catalog,
        clock=clock,
        secrets=secrets,
        pointers=pointers,
        targets=GenerationReader(contract_of=lambda _: CONTRACT, secrets_digest=lambda _: secrets.read(NAME)),
        nodes=("n1",),
        locks={NAME: ("ledger", ingress)},
    )


def settle(rotator: Rotator, secret: str, rollout: Rollout) -> None:
    """Let hamm's one instance be started with a secret, and its rollout be so."""
    assignment = Assignment(
        instance="hamm-1",
        node="n1",
        service="hamm",
        generation=Generation(image=IMAGE, secrets=secret),
        assigned_at=0.0,
        phase_at=0.0,
    )
    rotator.catalog.transact(
        [
            Write(key=assignment_key("n1", "hamm-1"), value=encode(assignment)),
            Write(key=rollout_key("hamm"), value=encode(rollout)),
        ]
    )


def test_once_all_are_replaced_the_old_secret_opens_nothing(rotator: Rotator, ingress: Ingress) -> None:
    """Everybody who is given it runs with the new one: then the old one is forgotten, and the journal knows why."""
    settle(rotator, "new", Rollout(service="hamm", stage=Stage.SETTLED))
    done = rotator.rotate(NAME, "new", reason="once a year", seconds=60)
    assert done.replaced == ("hamm",)
    assert ingress.opened_by == {"new"}
    assert rotator.secrets.read(NAME) == "new"
    assert next(told.what for told in read_journal(rotator.catalog)) == f"set secret {NAME}: once a year"


def test_a_secret_that_fails_its_trial_stands_back(rotator: Rotator, ingress: Ingress) -> None:
    """Instances cannot work with it: the old one stands and opens, and the trial's words say why."""
    bad = BadPart(part=secrets_part("new"), reason="trial failed: it died", at=0.0)
    settle(rotator, "old", Rollout(service="hamm", stage=Stage.SETTLED, bad=(bad,)))
    with pytest.raises(RefusedError, match="hamm fails with the new secret") as refused:
        rotator.rotate(NAME, "new", reason="", seconds=60)
    assert refused.value.details == "trial failed: it died"
    assert (ingress.opened_by, rotator.secrets.read(NAME)) == ({"old"}, "old")


def test_a_secret_that_is_not_rolled_out_in_time_stands_back(rotator: Rotator, ingress: Ingress) -> None:
    """Time runs out with an instance of before: the old one stands and opens."""
    settle(rotator, "old", Rollout(service="hamm", stage=Stage.PAUSED))
    with pytest.raises(UnavailableError, match="hamm was not replaced in time"):
        rotator.rotate(NAME, "new", reason="", seconds=60)
    assert (ingress.opened_by, rotator.secrets.read(NAME)) == ({"old"}, "old")


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("decoy", "new", "decoy is not a secret that can be rotated"),
        (NAME, "", "one line"),
        (NAME, "two\nlines", "one line"),
        (NAME, "two words", "one line"),
        (NAME, "old", "already has this value"),
    ],
)
def test_what_may_not_be_set_is_refused(
    rotator: Rotator, ingress: Ingress, name: str, value: str, what: str
) -> None:
    """A refused secret is written nowhere, and opens nothing."""
    with pytest.raises(RefusedError, match=what):
        rotator.rotate(name, value, reason="", seconds=60)
    assert (ingress.opened_by, rotator.secrets.read(NAME)) == ({"old"}, "old")


def test_several_nodes_are_refused(rotator: Rotator, ingress: Ingress) -> None:
    """A secret that lies on other nodes too is not set on this one alone."""
    with pytest.raises(RefusedError, match="n1, n2"):
        replace(rotator, nodes=("n1", "n2")).rotate(NAME, "new", reason="", seconds=60)
    assert ingress.opened_by == {"old"}
