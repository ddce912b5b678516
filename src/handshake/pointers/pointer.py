"""A pointer says which release of a subject is live. It moves by compare-and-swap, and remembers why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from handshake.core.digest import Digest
from handshake.core.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """One value of a pointer; its history is all of them."""

    subject: Subject
    release: Digest
    revision: int
    """Counts the moves of this pointer, from 1; it only grows."""
    stable: Digest | None
    """The last release that every place acknowledged or the whole fleet ran; where a revert goes."""
    moved_by: str
    reason: str
    moved_at: float
    """UTC, seconds since the epoch."""
    is_urgent: bool = False
    """Whether its rollout may begin inside a freeze: it goes back, or somebody forced it with a reason."""
    before: Digest | None = None
    """The settled release that this one took the place of; what is shown where nobody can give this one."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """An intent to move one pointer, with the revision it was decided on."""

    subject: Subject
    release: Digest
    from_revision: int
    """0 where the pointer does not exist yet; anything else than today's revision is a Conflict."""
    moved_by: str
    reason: str
    is_urgent: bool = False
    """Whether no freeze of the calendar holds it."""


def move_pointer(
    today: Pointer | None, move: Move, now: float, *, history: Iterable[Pointer] = ()
) -> Pointer:
    """Return the pointer after the move: one revision on, stable kept; `history` is all it was, newest first."""
    return Pointer(
        subject=move.subject,
        release=move.release,
        revision=(today.revision if today else 0) + 1,
        stable=today.stable if today else None,
        moved_by=move.moved_by,
        reason=move.reason,
        moved_at=now,
        is_urgent=move.is_urgent,
        before=_find_before(today, move.release, history),
    )


def settle_pointer(pointer: Pointer) -> Pointer:
    """Return the pointer with its release as the stable one; settling is no move, so the revision stays."""
    return replace(pointer, stable=pointer.release)


def _find_before(today: Pointer | None, release: Digest, history: Iterable[Pointer]) -> Digest | None:
    """Return what stands behind a release. One that comes back has behind it what it had then, not what failed it."""
    for past in history:
        if past.release == release:
            return past.before
    return today.stable if today else None
