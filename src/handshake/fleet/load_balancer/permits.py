"""Replacement permits: how a plain load balancer and auto scaling group replace a fleet without outrunning it.

The group runs at desired + budget. A stale instance lets itself be replaced (503 on `/health-elb`) only while it
holds one of as many permits as the budget has. Its place is empty until a successor is well, so it is the
successor that gives the permit back: nobody in between has to watch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from handshake.core.digest import Digest, short

LAPSE_SECONDS = 3600.0
"""When a permit is given back whose holder is gone and has had no successor: after a scale-in, say. It is long,
for until then a release that cannot start costs the fleet no more than the budget."""
_SEEN_SECONDS = 60.0
"""How often a holder's word is renewed at most: not every question of a load balancer is a write."""


@dataclass(frozen=True, kw_only=True)
class Permit:
    """One instance's right to be replaced."""

    holder: str
    release: Digest
    """What it shall be replaced for."""
    taken_at: float
    seen_at: float
    """When the holder was last asked how it is."""


@dataclass(frozen=True, kw_only=True)
class SuccessorReady:
    """A successor that has given a permit back; it does so once."""

    instance: str
    started_at: float


@dataclass(frozen=True, kw_only=True)
class Book:
    """All permits of one service that are out."""

    permits: tuple[Permit, ...] = ()
    arrivals: tuple[SuccessorReady, ...] = ()
    """Remembered while a permit is out that they might give back a second time."""

    def held_by(self, instance: str) -> Permit | None:
        """Return an instance's permit, None if it holds none."""
        return next((permit for permit in self.permits if permit.holder == instance), None)


@dataclass(frozen=True, kw_only=True)
class PermitRuling:
    """The result of a stale instance's question."""

    book: Book
    """To be written if it differs from the one before."""
    is_held: bool
    why: str


def ask_permit(book: Book, instance: str, release: Digest, *, budget: int, now: float) -> PermitRuling:
    """Return whether a stale instance may be replaced now, and the book with its permit in it if so."""
    book = _strike_lapsed(book, now)
    if held := book.held_by(instance):
        return PermitRuling(
            book=_renew(book, held, now), is_held=True, why=f"is replaced for {short(release)}"
        )
    if len(book.permits) >= budget:
        holders = ", ".join(permit.holder for permit in book.permits)
        why = f"waits for a permit to be replaced for {short(release)}: {budget} of {budget} are out ({holders})"
        return PermitRuling(book=book, is_held=False, why=why)
    permit = Permit(holder=instance, release=release, taken_at=now, seen_at=now)
    taken = replace(book, permits=(*book.permits, permit))
    return PermitRuling(book=taken, is_held=True, why=f"is replaced for {short(release)}")


def give_back(book: Book, instance: str, *, started_at: float, release: Digest, is_fresh: bool) -> Book:
    """Return the book after an instance was found to be well; `release` is today's.

    A fresh one gives back its own permit, if the pointer came back to it; else, once, the oldest that was taken
    before it was started: that holder's place is now filled. A stale one fills only the place of somebody who
    left for an earlier release: the pointer moved on while it started.
    """
    if own := book.held_by(instance):
        return _prune(_without(book, own)) if is_fresh else book
    if any(arrival.instance == instance for arrival in book.arrivals):
        return book
    places = (permit for permit in book.permits if permit.taken_at <= started_at)
    filled = next((permit for permit in places if is_fresh or permit.release != release), None)
    if filled is None:
        return book
    arrival = SuccessorReady(instance=instance, started_at=started_at)
    return _prune(replace(_without(book, filled), arrivals=(*book.arrivals, arrival)))


def _strike_lapsed(book: Book, now: float) -> Book:
    standing = tuple(permit for permit in book.permits if now - permit.seen_at < LAPSE_SECONDS)
    return book if standing == book.permits else _prune(replace(book, permits=standing))


def _renew(book: Book, held: Permit, now: float) -> Book:
    if now - held.seen_at < _SEEN_SECONDS:
        return book
    renewed = replace(held, seen_at=now)
    return replace(book, permits=tuple(renewed if permit is held else permit for permit in book.permits))


def _without(book: Book, gone: Permit) -> Book:
    return replace(book, permits=tuple(permit for permit in book.permits if permit is not gone))


def _prune(book: Book) -> Book:
    """Forget arrivals that no permit is left for."""
    oldest = min((permit.taken_at for permit in book.permits), default=float("inf"))
    return replace(book, arrivals=tuple(arrival for arrival in book.arrivals if arrival.started_at >= oldest))
