"""Replacement permits: stories of a plain load balancer and an auto scaling group, under every order of events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from handshake.fleet.load_balancer.permits import LAPSE_SECONDS, Book, ask_permit, give_back
from tests.transitions.fleet_members import NOW, release

LOOKS = release("looks")


def take(book: Book, instance: str, *, budget: int = 1, now: float = NOW) -> Book:
    """Return the book after an instance asked for a permit."""
    return ask_permit(book, instance, LOOKS, budget=budget, now=now).book


def come(book: Book, instance: str, *, started_at: float, is_fresh: bool = True) -> Book:
    """Return the book after an instance was found to be well."""
    return give_back(book, instance, started_at=started_at, release=LOOKS, is_fresh=is_fresh)


def test_no_more_permits_are_out_than_the_budget_has() -> None:
    """With a budget of two, the third stale instance waits, and the book still names the two that hold permits."""
    book = take(take(Book(), "a", budget=2), "b", budget=2)
    ruling = ask_permit(book, "c", LOOKS, budget=2, now=NOW)
    assert not ruling.is_held
    assert [permit.holder for permit in ruling.book.permits] == ["a", "b"]


def test_who_holds_a_permit_keeps_it() -> None:
    """Asking again changes nothing: one instance never has two permits."""
    book = take(Book(), "a")
    again = ask_permit(book, "a", LOOKS, budget=1, now=NOW + 1)
    assert again.is_held
    assert again.book == book


def test_a_successor_gives_a_permit_back_once() -> None:
    """Two holders need two successors: one that is asked often is still one."""
    book = take(take(Book(), "a", budget=2), "b", budget=2)
    once = come(book, "new", started_at=NOW + 1)
    assert [permit.holder for permit in once.permits] == ["b"]
    assert come(once, "new", started_at=NOW + 1) == once
    assert come(once, "newer", started_at=NOW + 2) == Book()


def test_who_was_there_before_is_no_successor() -> None:
    """A fresh instance that was started before a permit was taken fills nobody's place."""
    book = take(Book(), "a")
    assert come(book, "elder", started_at=NOW - 1) == book


def test_a_pointer_that_comes_back_frees_its_holders() -> None:
    """A holder that is fresh again before anybody ended it gives its own permit back."""
    assert come(take(Book(), "a"), "a", started_at=NOW - 100) == Book()


def test_a_stale_successor_fills_only_the_place_of_who_left_for_an_earlier_release() -> None:
    """It was launched for a release that was superseded while it started, and serves meanwhile."""
    book = take(Book(), "a")
    assert come(book, "new", started_at=NOW + 1, is_fresh=False) == book
    moved_on = give_back(book, "new", started_at=NOW + 1, release=release("newest"), is_fresh=False)
    assert moved_on == Book()


def test_a_permit_whose_successor_never_comes_lapses_after_long() -> None:
    """Until then a release that cannot start costs the fleet no more than the budget."""
    book = take(Book(), "a")
    assert not ask_permit(book, "b", LOOKS, budget=1, now=NOW + LAPSE_SECONDS - 1).is_held
    assert ask_permit(book, "b", LOOKS, budget=1, now=NOW + LAPSE_SECONDS).is_held


def test_a_holder_that_is_still_asked_keeps_its_permit_alive() -> None:
    """A balancer that is slow to replace does not make a second instance ill meanwhile."""
    book = take(take(Book(), "a"), "a", now=NOW + LAPSE_SECONDS / 2)
    assert not ask_permit(book, "b", LOOKS, budget=1, now=NOW + LAPSE_SECONDS + 1).is_held


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=40), st.integers(1, 3))
def test_the_budget_holds_in_every_order(events: list[tuple[str, bool]], budget: int) -> None:
    """However questions and arrivals are mixed, no more permits are out than the budget has."""
    book, successors = Book(), 0
    for number, (name, is_stale) in enumerate(events):
        if is_stale:
            book = take(book, name, budget=budget, now=NOW + number)
        else:
            successors += 1
            book = come(book, f"new-{successors}", started_at=NOW + number)
        assert len(book.permits) <= budget
        assert len({permit.holder for permit in book.permits}) == len(book.permits)
