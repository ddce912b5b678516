"""Bundles over a catalogue in memory: stages in order, undone in reverse, and leaders that die at every write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from handshake.catalog.entries import HeldLock, Operation
from handshake.core.digest import Digest
from handshake.core.errors import ConflictError, RefusedError, UnavailableError
from handshake.core.subject import Subject, parse_subject
from handshake.fleet.bundle_store import BundleRunner, Bundles, BundleStatus
from handshake.fleet.bundles import STAGES, BundleState
from handshake.leader.leadership import Leadership
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.control.controlled import release

SUBJECTS = tuple(
    map(parse_subject, ("image/hamm", "image/pages", "templates/pages", "policy/system", "site/calls"))
)
ORDER = {subject: STAGES.index(subject.kind) for subject in SUBJECTS}


class DyingCatalog(MemoryCatalog):
    """A catalogue whose user dies at one write: before it is carried out, or before the answer comes."""

    def __init__(self) -> None:
        super().__init__()
        self.dies_in = -1
        self.is_carried_out = False

    def transact(self, operations: Sequence[Operation]) -> None:
        """Carry out all operations or none, unless this is the write at which its user dies."""
        self.dies_in -= 1
        if self.dies_in != 0:
            super().transact(operations)
            return
        if self.is_carried_out:
            super().transact(operations)
        raise UnavailableError("the process was killed")


@dataclass
class System:
    """Five pointers at their first release, a leader, and a world in which what moves arrives or goes back."""

    catalog: DyingCatalog = field(default_factory=DyingCatalog)
    clock: FakeClock = field(default_factory=FakeClock)
    moves: list[tuple[Subject, Digest]] = field(default_factory=list)
    leaders: int = 0

    def __post_init__(self) -> None:
        for subject in SUBJECTS:
            self.pointers.settle(self.move(subject, "old"))
        self.leadership = self.elect()

    @property
    def pointers(self) -> Pointers:
        """The pointers."""
        return Pointers(self.catalog, self.clock)

    @property
    def bundles(self) -> Bundles:
        """Ada's bundles."""
        return Bundles(
            who="ada",
            catalog=self.catalog,
            clock=self.clock,
            pointers=self.pointers,
            require_checked=lambda _subject, _release: None,
        )

    def move(self, subject: Subject, name: str) -> Pointer:
        """Move one pointer as an operator does."""
        found = self.pointers.get(subject)
        revision = found.revision if found else 0
        wish = Move(
            subject=subject, release=release(name), from_revision=revision, moved_by="eve", reason="mine"
        )
        return self.pointers.move([wish])[0]

    def elect(self) -> Leadership:
        """Let another process lead."""
        self.leaders += 1
        leadership = Leadership(self.catalog, f"leader {self.leaders}")
        assert leadership.keep()
        return leadership

    def promote(self) -> BundleStatus:
        """Promote everything at once."""
        self.bundles.promote({subject: release("new") for subject in SUBJECTS}, reason="the campaign")
        return self.status

    @property
    def status(self) -> BundleStatus:
        """The newest bundle."""
        return self.bundles.all()[0]

    def live(self, cycles: int = 20, *, failing: Subject | None = None) -> None:
        """Let the leader work; what moves arrives one cycle later, but one subject's new release goes back."""
        for _ in range(cycles):
            before = self.pointers.all()
            self._lead(before, self.leadership.fence())
            after = self.pointers.all()
            changed = [(s, p.release) for s, p in after.items() if p.revision != before[s].revision]
            assert len({ORDER[subject] for subject, _ in changed}) <= 1, "one stage at a time"
            self.moves += changed
            self._let_arrive(failing)

    def _lead(self, pointers: dict[Subject, Pointer], fence: HeldLock) -> None:
        try:
            BundleRunner(self.catalog, self.pointers).cycle(pointers, fence)
        except UnavailableError:
            self.leadership.give_up()
            self.leadership = self.elect()

    def _let_arrive(self, failing: Subject | None) -> None:
        for subject, pointer in self.pointers.all().items():
            if subject == failing and pointer.release == release("new"):
                assert pointer.stable
                self.pointers.move_back(pointer, to=pointer.stable, who="leader", why="renders 500")
            else:
                self.pointers.settle(pointer)

    def names(self) -> set[Digest]:
        """Return the releases that pointers name."""
        return {pointer.release for pointer in self.pointers.all().values()}


@pytest.fixture
def system() -> System:
    """Return a campaign at rest."""
    return System()


def test_a_stage_begins_when_the_one_before_has_arrived(system: System) -> None:
    """Services move first, then templates, policy and sites, each stage in one step once the last has arrived."""
    system.promote()
    system.live()
    assert system.status.progress.state is BundleState.DONE
    assert system.names() == {release("new")}
    stages = [ORDER[subject] for subject, _ in system.moves]
    assert stages == sorted(stages)


def test_nothing_follows_what_has_not_arrived(system: System) -> None:
    """While a stage has not arrived, the next one does not begin, and the bundle shows what it waits for."""
    system.promote()
    fence = system.leadership.fence()
    for _ in range(5):
        BundleRunner(system.catalog, system.pointers).cycle(system.pointers.all(), fence)
    assert system.status.progress.reason == "waits for image/hamm, image/pages to be served everywhere"
    assert {subject for subject in SUBJECTS if system.pointers.history(subject)[0].revision > 1} == set(
        SUBJECTS[:2]
    )


@pytest.mark.parametrize("failing", SUBJECTS, ids=str)
def test_a_stage_that_fails_takes_the_others_back_in_reverse(system: System, failing: Subject) -> None:
    """What went there goes back, the last stage first, with the reason; what never moved stays at its revision."""
    system.promote()
    system.live(failing=failing)
    progress = system.status.progress
    assert (progress.state, progress.reason) == (
        BundleState.UNDONE,
        f"{failing} was moved by leader: renders 500",
    )
    assert system.names() == {release("old")}
    back = [ORDER[subject] for subject, to in system.moves if to == release("old")]
    assert back == sorted(back, reverse=True)
    later = [s for s in SUBJECTS if ORDER[s] > ORDER[failing]]
    assert all(pointer.revision == 1 for s in later if (pointer := system.pointers.get(s)))


def test_a_done_bundle_can_be_undone(system: System) -> None:
    """Undo sends everything back in reverse, past any freeze, and tells who asked."""
    bundle = system.promote().bundle
    system.live()
    system.moves.clear()
    system.bundles.undo(bundle.id, reason="too early")
    system.live()
    assert system.status.progress.state is BundleState.UNDONE
    assert system.names() == {release("old")}
    back = [ORDER[subject] for subject, _ in system.moves]
    assert back == sorted(back, reverse=True)
    calls = system.pointers.get(parse_subject("site/calls"))
    assert calls
    assert calls.is_urgent
    assert "undone by ada: too early" in calls.reason


def test_what_somebody_moved_since_stays(system: System) -> None:
    """An undo does not touch a pointer that somebody has moved since."""
    bundle = system.promote().bundle
    system.live()
    system.move(parse_subject("site/calls"), "newest")
    system.bundles.undo(bundle.id, reason="too early")
    system.live()
    assert system.names() == {release("old"), release("newest")}


def test_a_pointer_that_somebody_else_moves_ends_the_bundle(system: System) -> None:
    """The newest word wins: a pointer that is moved under a bundle stays there, and the rest goes back."""
    system.promote()
    system.live(cycles=2)
    system.move(parse_subject("site/calls"), "newest")
    system.live()
    assert system.status.progress.reason == "site/calls was moved by eve: mine"
    assert system.names() == {release("old"), release("newest")}


@pytest.mark.parametrize("is_carried_out", [False, True])
@pytest.mark.parametrize("dies_in", range(1, 40))
@pytest.mark.parametrize("failing", [None, parse_subject("policy/system")], ids=str)
def test_a_leader_may_die_at_any_write(
    failing: Subject | None, dies_in: int, *, is_carried_out: bool
) -> None:
    """Whenever a leader is killed, before or after a write, its successor ends the bundle as it would have."""
    system = System()
    system.promote()
    system.catalog.dies_in, system.catalog.is_carried_out = dies_in, is_carried_out
    try:
        system.live(cycles=30, failing=failing)
    except UnavailableError:  # the write that died was the world's, not the leader's
        system.live(cycles=30, failing=failing)
    assert system.status.progress.state is (BundleState.UNDONE if failing else BundleState.DONE)
    assert system.names() == {release("old" if failing else "new")}
    revisions = [pointer.revision for pointer in system.pointers.all().values()]
    assert max(revisions) <= 3, "nothing moved twice"


def test_a_leader_that_was_stopped_and_wakes_moves_nothing(system: System) -> None:
    """The write of a leader that lost the lock while it stood still is refused, with the pointers it would move."""
    system.promote()
    late, pointers = system.leadership.fence(), system.pointers.all()
    system.leadership.give_up()
    system.elect()
    with pytest.raises(ConflictError, match="not held"):
        BundleRunner(system.catalog, system.pointers).cycle(pointers, late)
    assert system.names() == {release("old")}
    assert system.status.progress.moved == ()


def test_two_bundles_never_fight_for_a_pointer(system: System) -> None:
    """A pointer that a bundle is about to move belongs to it until it has ended."""
    bundle = system.promote().bundle
    calls = parse_subject("site/calls")
    with pytest.raises(RefusedError, match=bundle.id):
        system.bundles.promote({calls: release("newest")}, reason="me too")
    system.live()
    system.bundles.promote({calls: release("newest")}, reason="me too")


def test_a_bundle_that_moves_nothing_is_refused(system: System) -> None:
    """Where every pointer names its release already, there is no bundle."""
    with pytest.raises(RefusedError, match="nothing to move"):
        system.bundles.promote({subject: release("old") for subject in SUBJECTS}, reason="again")


def test_what_was_never_promoted_stays_when_a_bundle_is_undone(system: System) -> None:
    """A first release has no release to revert to: it stays, and the bundle ends all the same."""
    first = parse_subject("site/press")
    ORDER[first] = STAGES.index(first.kind)
    bundle = system.bundles.promote({first: release("new")}, reason="press")
    assert bundle.items[0].back is None
    BundleRunner(system.catalog, system.pointers).cycle(system.pointers.all(), system.leadership.fence())
    system.live(cycles=4)
    system.bundles.undo(bundle.id, reason="no")
    system.live(cycles=4)
    assert system.status.progress.state is BundleState.UNDONE
    pointer = system.pointers.get(first)
    assert pointer
    assert pointer.release == release("new")


def test_an_undo_is_asked_for_once(system: System) -> None:
    """A second undo, and an undo of a bundle that nobody knows, are refused."""
    bundle = system.promote().bundle
    system.bundles.undo(bundle.id, reason="no")
    with pytest.raises(RefusedError, match="undone already, by ada: no"):
        system.bundles.undo(bundle.id, reason="no!")
    with pytest.raises(RefusedError, match="no bundle"):
        system.bundles.undo("nobody", reason="no")
