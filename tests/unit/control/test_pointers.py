"""Pointers move by compare-and-swap, remember every value, and settle without a move."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from handshake.catalog.entries import Operation, Write
from handshake.catalog.journal import read_journal
from handshake.catalog.keys import pointer_key
from handshake.core.digest import digest_bytes
from handshake.core.errors import ConflictError
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointer import Move
from handshake.pointers.pointers import Pointers
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

CALLS = Subject(kind=Kind.SITE, name="calls")
HAMM = Subject(kind=Kind.IMAGE, name="hamm")
ONE, TWO, THREE = (digest_bytes(name) for name in (b"one", b"two", b"three"))


def move(subject: Subject = CALLS, *, to: str = ONE, at: int = 0) -> Move:
    return Move(
        subject=subject,
        release=digest_bytes(b"one") if to == ONE else TWO,
        from_revision=at,
        moved_by="ann",
        reason="why",
    )


@pytest.fixture
def catalog() -> MemoryCatalog:
    return MemoryCatalog()


@pytest.fixture
def pointers(catalog: MemoryCatalog) -> Pointers:
    return Pointers(catalog, FakeClock())


def test_a_first_move_makes_revision_one(pointers: Pointers) -> None:
    """A pointer that never existed is at revision 1 after its first move, and nothing is stable yet."""
    (moved,) = pointers.move([move()])

    assert (moved.revision, moved.release, moved.stable) == (1, ONE, None)
    assert pointers.get(CALLS) == moved


def test_a_move_from_an_old_revision_is_refused(pointers: Pointers) -> None:
    """Who decided on a revision that is gone is told who moved it and why, and nothing changes."""
    pointers.move([move()])

    with pytest.raises(ConflictError, match="at revision 1, not 0: it was moved by ann: why"):
        pointers.move([move(to=TWO)])

    assert len(pointers.history(CALLS)) == 1


def test_several_pointers_move_together_or_not_at_all(pointers: Pointers) -> None:
    """One intent that does not hold any more keeps the others from moving."""
    pointers.move([move(HAMM)])

    with pytest.raises(ConflictError):
        pointers.move([move(CALLS), move(HAMM, to=TWO)])

    assert pointers.get(CALLS) is None


def test_every_value_is_remembered(pointers: Pointers, catalog: MemoryCatalog) -> None:
    """The history holds all values, newest first, and the journal says who asked."""
    pointers.move([move()])
    pointers.move([move(to=TWO, at=1)])

    assert [(past.revision, past.release) for past in pointers.history(CALLS)] == [(2, TWO), (1, ONE)]
    assert [record.who for record in read_journal(catalog)] == ["ann", "ann"]


def test_settling_is_no_move(pointers: Pointers) -> None:
    """A settled pointer has its release as the stable one, at the same revision and without a history entry."""
    (moved,) = pointers.move([move()])
    pointers.settle(moved)

    settled = pointers.get(CALLS)
    assert settled is not None
    assert (settled.stable, settled.revision) == (ONE, 1)
    assert len(pointers.history(CALLS)) == 1


def test_settling_an_old_value_changes_nothing(pointers: Pointers) -> None:
    """A pointer that has moved on is not settled by news about its former release."""
    (first,) = pointers.move([move()])
    pointers.move([move(to=TWO, at=1)])
    pointers.settle(first)

    now = pointers.get(CALLS)
    assert now is not None
    assert (now.release, now.stable) == (TWO, None)


def test_moving_back_yields_to_a_newer_move(pointers: Pointers) -> None:
    """A revert decided on an old revision does nothing: the newest move wins."""
    (first,) = pointers.move([move()])
    pointers.move([move(to=TWO, at=1)])

    assert pointers.move_back(first, to=ONE, who="leader", why="late") is None
    now = pointers.get(CALLS)
    assert now is not None
    assert now.release == TWO


class SettlingCatalog(MemoryCatalog):
    """A catalogue in which somebody settles the pointer just before the first move arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.is_armed = False

    def transact(self, operations: Sequence[Operation]) -> None:
        """Let the other one write first, once."""
        if self.is_armed:
            self.is_armed = False
            entry = self.get(pointer_key(str(CALLS)))
            assert entry is not None
            super().transact([Write(key=entry.key, value=entry.value)])
        super().transact(operations)


def test_a_move_survives_settling() -> None:
    """A pointer that was only settled meanwhile is still at its revision: the move is made all the same."""
    catalog = SettlingCatalog()
    pointers = Pointers(catalog, FakeClock())
    pointers.move([move()])
    catalog.is_armed = True

    (moved,) = pointers.move([move(to=TWO, at=1)])

    assert moved.revision == 2


def test_a_release_has_the_settled_one_before_it_behind_it(pointers: Pointers) -> None:
    """What never settled stands behind nothing; the first release has nothing behind it."""
    (first,) = pointers.move([move()])
    pointers.settle(first)
    pointers.move([move(to=TWO, at=1)])
    (third,) = pointers.move([replace(move(at=2), release=THREE)])

    assert (first.before, third.before) == (None, ONE)
    pointers.settle(third)
    assert (settled := pointers.get(CALLS)) is not None
    assert settled.before == ONE


def test_a_release_that_comes_back_has_behind_it_what_it_had(pointers: Pointers) -> None:
    """What was rolled back is not what an outage brings back."""
    for revision, release in enumerate((ONE, TWO, THREE)):
        (moved,) = pointers.move([replace(move(at=revision), release=release)])
        pointers.settle(moved)

    (back,) = pointers.move([move(to=TWO, at=3)])

    assert (moved.before, back.before) == (TWO, ONE)
