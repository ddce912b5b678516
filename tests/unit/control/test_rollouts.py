"""Pause, resume and abort: what they leave in the catalogue."""

from __future__ import annotations

import pytest

from handshake.catalog.journal import read_journal
from handshake.core.errors import RefusedError
from handshake.core.subject import parse_subject
from tests.unit.control.controlled import IMAGE, LOOK, Controlled, release


@pytest.fixture
def system() -> Controlled:
    """Return a service that runs `good` with `plain` templates."""
    system = Controlled()
    system.settle("good", "plain")
    return system


def test_a_pause_lasts_as_long_as_it_was_set_for(system: Controlled) -> None:
    """A pause of ten minutes stands for ten minutes, with its owner and reason, and then ends by itself."""
    hold = system.rollouts("grace").pause("hamm", reason="migration", seconds=600)
    assert system.holds.all() == {"hamm": hold}
    assert (hold.owner, hold.reason) == ("grace", "migration")
    system.clock.advance(600)
    assert system.holds.all() == {}


def test_a_resume_lifts_the_pause_and_both_are_journalled(system: Controlled) -> None:
    """A pause without an end stands until somebody takes it back; the journal tells who did what and why."""
    system.rollouts("grace").pause("hamm", reason="migration", seconds=None)
    system.clock.advance(10_000_000)
    assert system.rollouts().resume("hamm", reason="done").owner == "grace"
    assert system.holds.all() == {}
    told = [(record.who, record.what) for record in read_journal(system.catalog)][:2]
    assert told == [("ada", "hamm resumed: done"), ("grace", "hamm paused: migration")]


def test_only_what_is_paused_is_resumed(system: Controlled) -> None:
    """A resume of what is not paused, or of a pause that has ended, is refused."""
    with pytest.raises(RefusedError, match="not paused"):
        system.rollouts().resume("hamm", reason="done")
    system.rollouts().pause("hamm", reason="migration", seconds=5)
    system.clock.advance(5)
    with pytest.raises(RefusedError, match="not paused"):
        system.rollouts().resume("hamm", reason="done")


def test_a_service_that_nobody_knows_is_not_paused(system: Controlled) -> None:
    """A misspelt service is refused instead of being paused in vain."""
    with pytest.raises(RefusedError, match="hum was never promoted"):
        system.rollouts().pause("hum", reason="migration", seconds=None)


def test_an_abort_sends_back_what_left_the_stable_generation(system: Controlled) -> None:
    """Image and templates go back in one step, with the reason, past any freeze."""
    system.promote(IMAGE, "new")
    system.promote(LOOK, "fancy")
    before = system.catalog.read("").index
    moved = system.rollouts("grace").abort("hamm", reason="looks wrong")
    assert {pointer.release for pointer in moved} == {release("good"), release("plain")}
    assert all(pointer.is_urgent and pointer.reason == "aborted: looks wrong" for pointer in moved)
    assert system.catalog.read("").index == before + 1


def test_an_abort_leaves_alone_what_did_not_move(system: Controlled) -> None:
    """The pointer that names what runs keeps its revision."""
    system.promote(IMAGE, "new")
    assert [str(pointer.subject) for pointer in system.rollouts().abort("hamm", reason="no")] == [IMAGE]
    look = system.pointers.get(parse_subject(LOOK))
    assert look
    assert look.revision == 1


def test_an_abort_of_nothing_is_refused(system: Controlled) -> None:
    """Where the pointers name what runs, there is nothing to abort."""
    with pytest.raises(RefusedError, match="nothing to abort"):
        system.rollouts().abort("hamm", reason="no")


def test_a_first_release_cannot_be_aborted() -> None:
    """Where no release has passed a trial yet, there is nothing to go back to."""
    system = Controlled()
    system.promote(IMAGE, "good")
    with pytest.raises(RefusedError, match="no release to revert to"):
        system.rollouts().abort("hamm", reason="no")
