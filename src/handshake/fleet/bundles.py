"""Bundles: several pointers moved together, stage by stage, and undone in reverse, as one pure function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from handshake.core.digest import Digest
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointer import Move, Pointer

STAGES = (Kind.IMAGE, Kind.TEMPLATES, Kind.POLICY, Kind.SITE)
"""In this order, new pages never call old services; undone in reverse, they do not either."""


class BundleState(StrEnum):
    """The state of a bundle."""

    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


ENDED = frozenset({BundleState.DONE, BundleState.UNDONE})


@dataclass(frozen=True, kw_only=True)
class Item:
    """One pointer of a bundle: its target, and where it was when that was decided."""

    subject: Subject
    to: Digest
    back: Digest | None
    """None if nothing was promoted before: then it stays when the bundle is undone."""
    from_revision: int


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The record under `bundles/<ulid>`, written by verbs."""

    id: str
    items: tuple[Item, ...]
    by: str
    reason: str
    at: float
    is_urgent: bool = False
    """Whether freezes do not apply to it."""
    undo: str = ""
    """Who asked to undo it, and why; empty if nobody did."""

    def stage(self, kind: Kind) -> tuple[Item, ...]:
        """Return the items of one stage."""
        return tuple(item for item in self.items if item.subject.kind is kind)


@dataclass(frozen=True, kw_only=True)
class PointerMove:
    """A pointer that a bundle moved, and its new revision."""

    subject: Subject
    revision: int


@dataclass(frozen=True, kw_only=True)
class BundleProgress:
    """The record under `bundle-progress/<ulid>`, written by the leader together with the pointers that it moves."""

    bundle: str
    state: BundleState = BundleState.RUNNING
    moved: tuple[PointerMove, ...] = ()
    """What was moved, in order."""
    returned: tuple[PointerMove, ...] = ()
    """What was moved back."""
    reason: str = "not started"
    """What it does or waits for, or how it ended, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class BundlePlan:
    """Pointers to move in one transaction, with the progress to record."""

    progress: BundleProgress
    moves: tuple[Move, ...] = ()


def plan_bundle(bundle: Bundle, progress: BundleProgress, pointers: Mapping[Subject, Pointer]) -> BundlePlan:
    """Return what to do about a bundle now; a bundle that waits gives no moves and an equal record.

    Nothing but the two records and the pointers is looked at, so a leader that dies between any two stages
    leaves all that its successor needs.
    """
    if progress.state is BundleState.UNDONE or (progress.state is BundleState.DONE and not bundle.undo):
        return BundlePlan(progress=progress)
    if progress.state is not BundleState.UNDOING and bundle.undo:
        progress = replace(progress, state=BundleState.UNDOING, reason=f"undone by {bundle.undo}")
    if progress.state is BundleState.RUNNING:
        return _go_on(bundle, progress, pointers)
    return _go_back(bundle, progress, pointers)


def _go_on(bundle: Bundle, progress: BundleProgress, pointers: Mapping[Subject, Pointer]) -> BundlePlan:
    """Begin the first stage that has not begun, unless an earlier one has yet to arrive or has failed."""
    for kind in STAGES:
        items = bundle.stage(kind)
        for item in items:
            if failure := _find_failure(item, progress, pointers):
                return BundlePlan(progress=replace(progress, state=BundleState.UNDOING, reason=failure))
        if waiting := [item for item in items if not _has_begun(item, progress)]:
            return _begin(bundle, kind, waiting, progress)
        if waiting := [item for item in items if not _has_arrived(item, pointers)]:
            names = ", ".join(str(item.subject) for item in waiting)
            return BundlePlan(progress=replace(progress, reason=f"waits for {names} to be served everywhere"))
    return BundlePlan(progress=replace(progress, state=BundleState.DONE, reason="everything is served"))


def _begin(bundle: Bundle, kind: Kind, items: list[Item], progress: BundleProgress) -> BundlePlan:
    moves = tuple(
        Move(
            subject=item.subject,
            release=item.to,
            from_revision=item.from_revision,
            moved_by=bundle.by,
            reason=f"bundle {bundle.id}: {bundle.reason}",
            is_urgent=bundle.is_urgent,
        )
        for item in items
    )
    moved = (*progress.moved, *map(_will_be, moves))
    return BundlePlan(progress=replace(progress, moved=moved, reason=f"moves {kind}"), moves=moves)


def _find_failure(item: Item, progress: BundleProgress, pointers: Mapping[Subject, Pointer]) -> str:
    """Return how an item failed, or nothing: its pointer is not where the bundle left it or found it."""
    pointer = pointers.get(item.subject)
    revision = pointer.revision if pointer else 0
    expected = _revision_of(item.subject, progress.moved) or item.from_revision
    if revision == expected:
        return ""
    why = f" by {pointer.moved_by}: {pointer.reason}" if pointer else ""
    return f"{item.subject} was moved{why}"


def _go_back(bundle: Bundle, progress: BundleProgress, pointers: Mapping[Subject, Pointer]) -> BundlePlan:
    """Send back the last stage that went there and has not come back; wait for it before the one before."""
    for kind in reversed(STAGES):
        items = [item for item in bundle.stage(kind) if _has_begun(item, progress)]
        if moves := tuple(_list_returns(bundle, items, progress, pointers)):
            returned = (*progress.returned, *map(_will_be, moves))
            return BundlePlan(progress=replace(progress, returned=returned), moves=moves)
        if any(_is_on_its_way_back(item, progress, pointers) for item in items):
            return BundlePlan(progress=progress)
    return BundlePlan(progress=replace(progress, state=BundleState.UNDONE))


def _list_returns(
    bundle: Bundle, items: list[Item], progress: BundleProgress, pointers: Mapping[Subject, Pointer]
) -> Iterator[Move]:
    """Yield a move for each pointer that still is where the bundle put it; one that has moved on is somebody's newer word."""
    for item in items:
        revision = _revision_of(item.subject, progress.moved)
        is_where_we_left_it = pointers[item.subject].revision == revision
        if is_where_we_left_it and item.back and item.back != item.to:
            yield Move(
                subject=item.subject,
                release=item.back,
                from_revision=revision,
                moved_by=bundle.by,
                reason=f"bundle {bundle.id} is undone: {progress.reason}",
                is_urgent=True,
            )


def _is_on_its_way_back(item: Item, progress: BundleProgress, pointers: Mapping[Subject, Pointer]) -> bool:
    pointer = pointers[item.subject]
    is_ours = pointer.revision == _revision_of(item.subject, progress.returned)
    return is_ours and pointer.stable != pointer.release


def _has_begun(item: Item, progress: BundleProgress) -> bool:
    return bool(_revision_of(item.subject, progress.moved))


def _has_arrived(item: Item, pointers: Mapping[Subject, Pointer]) -> bool:
    return pointers[item.subject].stable == item.to


def _revision_of(subject: Subject, moved: tuple[PointerMove, ...]) -> int:
    return next((each.revision for each in moved if each.subject == subject), 0)


def _will_be(move: Move) -> PointerMove:
    return PointerMove(subject=move.subject, revision=move.from_revision + 1)
