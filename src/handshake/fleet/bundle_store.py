"""Bundles in the catalogue: written by verbs, moved one stage at a time by the leader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ulid import ULID

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import HeldLock, Operation, Put, Write
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import BUNDLE_PROGRESS, BUNDLES, bundle_key, bundle_progress_key
from handshake.core.clock import Clock
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.core.outcome import Outcome
from handshake.core.subject import Subject
from handshake.fleet.bundles import ENDED, Bundle, BundleProgress, Item, plan_bundle
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers


@dataclass(frozen=True, kw_only=True)
class BundleStatus:
    """An intent and how far it is."""

    bundle: Bundle
    progress: BundleProgress


@dataclass(frozen=True, kw_only=True)
class Bundles:
    """Somebody's bundles. Works while the control plane is down: the leader carries them out when it is back."""

    who: str
    catalog: Catalog
    clock: Clock
    pointers: Pointers
    require_checked: Callable[[Subject, Digest], None]
    """RefusedError for an image that has not passed the contract check."""

    def promote(self, releases: Mapping[Subject, Digest], *, reason: str, forced: str = "") -> Bundle:
        """Write the intent to move these pointers, decided on where they are now; the leader does it in stages.

        RefusedError where a pointer is part of a bundle that is still under way, or where none would move.
        """
        if not forced:
            for subject, release in releases.items():
                self.require_checked(subject, release)
        now = self.clock.now()
        bundle = Bundle(
            id=str(ULID.from_timestamp(now)),
            items=self._decide(releases),
            by=self.who,
            reason=f"{reason}; forced: {forced}" if forced else reason,
            at=now,
            is_urgent=bool(forced),
        )
        names = ", ".join(f"{item.subject} -> {short(item.to)}" for item in bundle.items)
        put = Put(key=bundle_key(bundle.id), value=encode(bundle), if_index=0)
        told = journal_write(self.who, f"bundle {bundle.id} ({names}): {bundle.reason}", now)
        self.catalog.transact([put, told])
        return bundle

    def undo(self, bundle: str, *, reason: str) -> Bundle:
        """Ask for a bundle to be undone, whether it is under way or done; what somebody moved since stays."""
        entry = self.catalog.get(bundle_key(bundle))
        if entry is None:
            raise RefusedError(f"there is no bundle {bundle}", hint="`handshake bundle status` lists them.")
        known = decode(Bundle, entry.value)
        if known.undo:
            raise RefusedError(f"bundle {bundle} is undone already, by {known.undo}")
        undone = replace(known, undo=f"{self.who}: {reason}")
        put = Put(key=entry.key, value=encode(undone), if_index=entry.index)
        told = journal_write(self.who, f"bundle {bundle} shall be undone: {reason}", self.clock.now())
        self.catalog.transact([put, told])
        return undone

    def all(self) -> tuple[BundleStatus, ...]:
        """Return every bundle, the newest first."""
        return tuple(reversed(read_bundles(self.catalog)))

    def _decide(self, releases: Mapping[Subject, Digest]) -> tuple[Item, ...]:
        busy = {
            item.subject: status.bundle.id
            for status in self.all()
            if status.progress.state not in ENDED
            for item in status.bundle.items
        }
        today = self.pointers.all()
        for subject in releases:
            if subject in busy:
                raise RefusedError(
                    f"{subject} is part of bundle {busy[subject]}, which is under way",
                    hint=f"`handshake bundle status {busy[subject]}` says what it waits for.",
                )
        items = (_decide_item(subject, to, today.get(subject)) for subject, to in sorted(releases.items()))
        moving = tuple(item for item in items if item.to != item.back)
        if not moving:
            raise RefusedError("every pointer names its release already; there is nothing to move")
        return moving


def read_bundles(catalog: Catalog) -> tuple[BundleStatus, ...]:
    """Return every bundle with its progress, the oldest first."""
    known = (decode(BundleProgress, entry.value) for entry in catalog.read(BUNDLE_PROGRESS).entries)
    progress = {each.bundle: each for each in known}
    bundles = (decode(Bundle, entry.value) for entry in catalog.read(BUNDLES).entries)
    return tuple(
        BundleStatus(bundle=bundle, progress=progress.get(bundle.id, BundleProgress(bundle=bundle.id)))
        for bundle in bundles
    )


def _decide_item(subject: Subject, to: Digest, today: Pointer | None) -> Item:
    return Item(
        subject=subject,
        to=to,
        back=today.release if today else None,
        from_revision=today.revision if today else 0,
    )


# The leader's bundles: each is moved one stage further, pointers and progress in one fenced transaction.


class BundleRunner:
    """Carries out every bundle that has not ended."""

    def __init__(self, catalog: Catalog, pointers: Pointers) -> None:
        self._catalog = catalog
        self._pointers = pointers

    def cycle(self, pointers: Mapping[Subject, Pointer], fence: HeldLock) -> list[Outcome]:
        """Move every bundle one step; one outcome for each that is under way."""
        return [
            self._move(status, pointers, fence)
            for status in read_bundles(self._catalog)
            if status.progress.state not in ENDED or status.bundle.undo
        ]

    def _move(self, status: BundleStatus, pointers: Mapping[Subject, Pointer], fence: HeldLock) -> Outcome:
        made = plan_bundle(status.bundle, status.progress, pointers)
        changed = made.progress != status.progress
        if changed:
            self._write([fence, _record(made.progress)], made.moves)
        sentence = f"bundle {made.progress.bundle}: {made.progress.state}, {made.progress.reason}"
        return Outcome(sentence=sentence, changed=changed)

    def _write(self, operations: list[Operation], moves: tuple[Move, ...]) -> None:
        if moves:
            self._pointers.move(moves, also=operations)
        else:
            self._catalog.transact(operations)


def _record(progress: BundleProgress) -> Write:
    return Write(key=bundle_progress_key(progress.bundle), value=encode(progress))
