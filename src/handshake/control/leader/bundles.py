"""The leader's bundles: each is moved one stage further, pointers and progress in one fenced transaction."""

from __future__ import annotations

from collections.abc import Mapping

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import encode
from handshake.catalog.entry import Held, Operation, Write
from handshake.catalog.keys import bundle_progress_key
from handshake.control.bundles import BundleStatus, read_bundles
from handshake.control.pointers import Pointers
from handshake.core.outcome import Outcome
from handshake.core.pointer import Move, Pointer
from handshake.core.release import Subject
from handshake.fleet.bundle import ENDED, BundleProgress, plan_bundle


class BundleRunner:
    """Carries out every bundle that has not ended."""

    def __init__(self, catalog: Catalog, pointers: Pointers) -> None:
        self._catalog = catalog
        self._pointers = pointers

    def cycle(self, pointers: Mapping[Subject, Pointer], fence: Held) -> list[Outcome]:
        """Move every bundle one step; one outcome for each that is under way."""
        return [
            self._move(status, pointers, fence)
            for status in read_bundles(self._catalog)
            if status.progress.state not in ENDED or status.bundle.undo
        ]

    def _move(self, status: BundleStatus, pointers: Mapping[Subject, Pointer], fence: Held) -> Outcome:
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
