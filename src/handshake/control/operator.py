"""The verbs: each is one catalogue transaction, and then a wait for what the places say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handshake.catalog.catalog import Catalog
from handshake.control.acks import PURGES
from handshake.control.arrival import Arrival, Arrivals
from handshake.control.edge_data import DataReport, wait_for_doors
from handshake.control.live import LivePolicy
from handshake.control.pointers import Pointers
from handshake.control.publisher import Publisher, Telling
from handshake.control.purges import Purges, describe_purge
from handshake.control.shaken import Shaken, demand_shaken
from handshake.control.switchboard import Switchboard
from handshake.control.uploading import Uploads
from handshake.control.wall import Term, Wall
from handshake.core.clock import Clock
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.core.pointer import Move, Pointer
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.release import Kind, Subject
from handshake.edge.purge import Purge

_DOOR_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Somebody who may act, and what they act with. Works with the control plane dead."""

    who: str
    catalog: Catalog
    clock: Clock
    pointers: Pointers
    arrivals: Arrivals
    publisher: Publisher
    switchboard: Switchboard
    wall: Wall
    read_live: Callable[[], LivePolicy | None]
    kind_of: Callable[[Digest], Kind]
    find_failing_cases: Callable[[Digest], list[Problem]]
    """What a policy release's own cases say against it."""
    nodes: tuple[str, ...]

    def publish(
        self, subject: Subject, tell: Telling, *, source: Path | None = None, is_thorough: bool = False
    ) -> Digest:
        """Make a release of a subject, from another folder than the campaign's if one is given."""
        today = self.pointers.get(subject)
        previous = today.release if today else None
        with Uploads(catalog=self.catalog).publishing(f"{subject} by {self.who}"):
            return self.publisher.publish(
                subject, tell, source=source, previous=previous, is_thorough=is_thorough
            )

    def revision(self, subject: Subject) -> int:
        """Return where a subject's pointer is now; 0 where it has none."""
        today = self.pointers.get(subject)
        return today.revision if today else 0

    def promote(
        self,
        subject: Subject,
        release: Digest,
        *,
        reason: str,
        from_revision: int | None = None,
        forced: str = "",
    ) -> Pointer:
        """Move a pointer; ConflictError where it is not at the revision that was given.

        RefusedError for an image that has not passed the contract check; ProblemsError for a policy of whose cases
        one fails. `forced` says why neither these nor a freeze of the calendar shall hold it; empty where they may.
        """
        today = self.pointers.get(subject)
        if today is None:
            self.publisher.require_declared(subject)
        if not forced:
            self.demand_shaken(subject, release)
            self._demand_passing(subject, release)
        now = today.revision if today else 0
        return self._move(
            subject,
            release,
            f"{reason}; forced: {forced}" if forced else reason,
            now if from_revision is None else from_revision,
            is_urgent=bool(forced),
        )

    def roll_back(self, subject: Subject, *, reason: str, to: Digest | None = None) -> Pointer:
        """Move a pointer back, by default to the last other release that was once stable."""
        today = self.pointers.get(subject)
        if today is None:
            raise RefusedError(f"{subject} was never promoted", hint="`handshake status` shows the pointers.")
        if to and to not in {past.release for past in self.pointers.history(subject)}:
            self.demand_shaken(subject, to)
        return self._move(subject, to or self._before(today), reason, today.revision, is_urgent=True)

    def wait(self, moved: Pointer, *, seconds: float, tell: Callable[[str], None]) -> Arrival:
        """Return what became of a move."""
        return self.arrivals.wait(moved, seconds, tell)

    def set_switch(self, name: str, *, is_on: bool, seconds: float | None, reason: str) -> DataReport:
        """Turn a switch on or off, for a time or for good."""
        return self.switchboard.set(name, is_on=is_on, seconds=seconds, reason=reason)

    def undo_switch(self, name: str) -> DataReport:
        """Return a switch to what it was before it was last set."""
        return self.switchboard.undo(name)

    def put_on_list(self, name: str, entry: str, *, seconds: float | None, reason: str) -> DataReport:
        """Put an entry on a list, for a time or for good."""
        return self.wall.add(
            name, (entry,), term=Term(seconds=seconds, is_for_good=seconds is None), reason=reason
        )

    def take_off_list(self, name: str, entry: str, *, reason: str) -> DataReport:
        """Take an entry off a list."""
        return self.wall.remove(name, (entry,), reason=reason)

    def purge(self, purge: Purge, *, reason: str) -> DataReport:
        """Let every cache forget pages, at last Fastly's."""
        live = self.read_live()
        has_fastly = live is not None and live.policy.campaign.fastly is not None
        revision = Purges(self.catalog, self.clock).order(purge, author=self.who, reason=reason)
        return self._wait_for_doors(
            PURGES, revision, f"purge of {describe_purge(purge)}", has_fastly=has_fastly
        )

    def live(self) -> LivePolicy:
        """Return the live policy; RefusedError where none was applied yet."""
        live = self.read_live()
        if live is None:
            raise RefusedError("no policy was applied yet", hint="handshake up DIRECTORY applies it.")
        return live

    def demand_shaken(self, subject: Subject, release: Digest) -> None:
        """Require that an image has passed the contract check; RefusedError where it has not."""
        demand_shaken(subject, release, Shaken(self.catalog).find(release), self.pointers.history(subject))

    def _demand_passing(self, subject: Subject, release: Digest) -> None:
        if subject.kind is Kind.POLICY is self.kind_of(release) and (
            problems := self.find_failing_cases(release)
        ):
            raise ProblemsError(problems)

    def _move(
        self, subject: Subject, release: Digest, reason: str, from_revision: int, *, is_urgent: bool
    ) -> Pointer:
        _require_kind(subject, release, self.kind_of(release))
        wish = Move(
            subject=subject,
            release=release,
            from_revision=from_revision,
            moved_by=self.who,
            reason=reason,
            is_urgent=is_urgent,
        )
        return self.pointers.move([wish])[0]

    def _before(self, today: Pointer) -> Digest:
        history = self.pointers.history(today.subject)
        others = [past.release for past in history if past.release != today.release]
        if not others:
            raise RefusedError(f"{today.subject} never had another release", hint="Publish one first.")
        stable = {past.stable for past in history}
        return next((release for release in others if release in stable), others[0])

    def _wait_for_doors(
        self, subject: str, revision: int, what: str, *, has_fastly: bool = False
    ) -> DataReport:
        return wait_for_doors(
            self.catalog,
            self.clock,
            self.nodes,
            subject=subject,
            revision=revision,
            what=what,
            seconds=_DOOR_SECONDS,
            has_fastly=has_fastly,
        )


def _require_kind(subject: Subject, release: Digest, kind: Kind) -> None:
    if kind is subject.kind:
        return
    problem = Problem(
        check="release-of-another-kind",
        what=f"{short(release)} is a release of kind {kind}, and {subject} takes one of kind {subject.kind}",
        where=Location(file=str(subject)),
        hint=f"`handshake history {subject}` lists releases that it had.",
    )
    raise ProblemsError([problem])
