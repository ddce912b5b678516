"""A pointer says which release of a subject is live. It moves by compare-and-swap, and records why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from handshake.core.digest import Digest
from handshake.core.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """One value of a pointer; its history consists of all of them."""

    subject: Subject
    release: Digest
    revision: int
    """Counts the moves of this pointer, from 1; it only increases."""
    stable: Digest | None
    """The last release that every place acknowledged or the whole fleet ran: the target of a revert."""
    moved_by: str
    reason: str
    moved_at: float
    """UTC, seconds since the epoch."""
    is_urgent: bool = False
    """Whether its rollout may start during a freeze: because it is a revert, or was forced with a reason."""
    before: Digest | None = None
    """The settled release that this one replaced; served if the live one is not available anywhere."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """An intent to move one pointer, with the revision on which it was based."""

    subject: Subject
    release: Digest
    from_revision: int
    """0 if the pointer does not exist yet; any other value than the current revision is a conflict."""
    moved_by: str
    reason: str
    is_urgent: bool = False
    """Whether freezes do not apply to it."""


def move_pointer(
    today: Pointer | None, move: Move, now: float, *, history: Iterable[Pointer] = ()
) -> Pointer:
    """Return the pointer after the move: the next revision, stable unchanged; `history` is newest first."""
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
    """Return the pointer with its release as the stable one; settling is not a move, so the revision stays."""
    return replace(pointer, stable=pointer.release)


def _find_before(today: Pointer | None, release: Digest, history: Iterable[Pointer]) -> Digest | None:
    """Return the fallback behind a release. A release that comes back keeps its earlier one, not the one that failed."""
    for past in history:
        if past.release == release:
            return past.before
    return today.stable if today else None
