"""The operators' commands: each is one catalogue transaction, then a wait for acks; and the first start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.publish import ProgressReporter, Publisher
from handshake.catalog.catalog import Catalog
from handshake.core.clock import Clock
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.subject import Kind, Subject
from handshake.edge.cache.cache import Purge
from handshake.edge.cache.purge import Purges, describe_purge
from handshake.edge.lists.declared import DataReport, wait_for_ingresses
from handshake.edge.lists.editor import ListEditor, Term
from handshake.edge.lists.switches import SwitchEditor
from handshake.image.contract_check.report import ContractResults, require_checked
from handshake.pointers.acks import PURGES_SUBJECT
from handshake.pointers.arrival import Arrival, ArrivalOutcome, Arrivals
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.upload_lock import Uploads

_INGRESS_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Acts for an operator. Works while the control plane is down."""

    who: str
    catalog: Catalog
    clock: Clock
    pointers: Pointers
    arrivals: Arrivals
    publisher: Publisher
    switch_editor: SwitchEditor
    list_editor: ListEditor
    read_live: Callable[[], LivePolicy | None]
    kind_of: Callable[[Digest], Kind]
    find_failing_cases: Callable[[Digest], list[Problem]]
    """The failed test cases of a policy release."""
    nodes: tuple[str, ...]

    def publish(
        self,
        subject: Subject,
        tell: ProgressReporter,
        *,
        source: Path | None = None,
        is_thorough: bool = False,
    ) -> Digest:
        """Make a release of a subject, from the campaign's folder or another one."""
        today = self.pointers.get(subject)
        previous = today.release if today else None
        with Uploads(catalog=self.catalog).publishing(f"{subject} by {self.who}"):
            return self.publisher.publish(
                subject, tell, source=source, previous=previous, is_thorough=is_thorough
            )

    def revision(self, subject: Subject) -> int:
        """Return the revision of a subject's pointer; 0 if it has none."""
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
        """Move a pointer; ConflictError if it is not at the given revision.

        RefusedError for an image that has not passed the contract check; ProblemsError for a policy with a failing
        case. `forced` is the reason to override these and any freeze; empty: do not override.
        """
        today = self.pointers.get(subject)
        if today is None:
            self.publisher.require_declared(subject)
        if not forced:
            self.require_checked(subject, release)
            self._require_passing(subject, release)
        now = today.revision if today else 0
        return self._move(
            subject,
            release,
            f"{reason}; forced: {forced}" if forced else reason,
            now if from_revision is None else from_revision,
            is_urgent=bool(forced),
        )

    def roll_back(self, subject: Subject, *, reason: str, to: Digest | None = None) -> Pointer:
        """Move a pointer back, by default to the previous release that was stable."""
        today = self.pointers.get(subject)
        if today is None:
            raise RefusedError(f"{subject} was never promoted", hint="`handshake status` shows the pointers.")
        if to and to not in {past.release for past in self.pointers.history(subject)}:
            self.require_checked(subject, to)
        return self._move(subject, to or self._before(today), reason, today.revision, is_urgent=True)

    def wait(self, moved: Pointer, *, seconds: float, tell: Callable[[str], None]) -> Arrival:
        """Return the result of a move."""
        return self.arrivals.wait(moved, seconds, tell)

    def set_switch(self, name: str, *, is_on: bool, seconds: float | None, reason: str) -> DataReport:
        """Turn a switch on or off, for a limited time or for good."""
        return self.switch_editor.set(name, is_on=is_on, seconds=seconds, reason=reason)

    def undo_switch(self, name: str) -> DataReport:
        """Return a switch to its value before the last change."""
        return self.switch_editor.undo(name)

    def put_on_list(self, name: str, entry: str, *, seconds: float | None, reason: str) -> DataReport:
        """Add an entry to a list, for a limited time or for good."""
        return self.list_editor.add(
            name, (entry,), term=Term(seconds=seconds, is_for_good=seconds is None), reason=reason
        )

    def take_off_list(self, name: str, entry: str, *, reason: str) -> DataReport:
        """Remove an entry from a list."""
        return self.list_editor.remove(name, (entry,), reason=reason)

    def purge(self, purge: Purge, *, reason: str) -> DataReport:
        """Purge pages from every cache, Fastly's last."""
        live = self.read_live()
        has_fastly = live is not None and live.policy.campaign.fastly is not None
        revision = Purges(self.catalog, self.clock).order(purge, author=self.who, reason=reason)
        return self._wait_for_ingresses(
            PURGES_SUBJECT, revision, f"purge of {describe_purge(purge)}", has_fastly=has_fastly
        )

    def live(self) -> LivePolicy:
        """Return the live policy; RefusedError if none was applied yet."""
        live = self.read_live()
        if live is None:
            raise RefusedError("no policy was applied yet", hint="`handshake up FOLDER` applies it.")
        return live

    def require_checked(self, subject: Subject, release: Digest) -> None:
        """Raise RefusedError unless an image has passed the contract check."""
        require_checked(
            subject, release, ContractResults(self.catalog).find(release), self.pointers.history(subject)
        )

    def _require_passing(self, subject: Subject, release: Digest) -> None:
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

    def _wait_for_ingresses(
        self, subject: str, revision: int, what: str, *, has_fastly: bool = False
    ) -> DataReport:
        return wait_for_ingresses(
            self.catalog,
            self.clock,
            self.nodes,
            subject=subject,
            revision=revision,
            what=what,
            seconds=_INGRESS_SECONDS,
            has_fastly=has_fastly,
        )


def _require_kind(subject: Subject, release: Digest, kind: Kind) -> None:
    if kind is subject.kind:
        return
    problem = Problem(
        check="release-of-another-kind",
        what=f"{short(release)} is a release of kind {kind}, but {subject} needs one of kind {subject.kind}",
        where=Location(file=str(subject)),
        hint=f"`handshake history {subject}` lists its releases.",
    )
    raise ProblemsError([problem])


# The first start: publish and promote everything that the campaign can publish and that has no pointer yet.

_REASON = "first start"
_UNSHAKEN = f"{_REASON}; forced: contract check not run, to start the campaign sooner"
"""Why an image is live without a passed contract check: `status` shows it until the check passes."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The first start of a campaign."""

    name: str
    publisher: Publisher
    pointers: Pointers
    arrivals: Arrivals
    who: str
    deadline_seconds: float = 120.0

    def open(
        self, tell: Callable[[Subject], ProgressReporter], waiting: Callable[[str], None]
    ) -> tuple[Arrival, ...]:
        """Publish and promote every subject without a pointer, the policy first; return once every place serves them."""
        known = self.pointers.all()
        policy = Subject(kind=Kind.POLICY, name=self.name)
        subjects = (policy, *self.publisher.subjects())
        moved = [self._promote(subject, tell(subject)) for subject in subjects if subject not in known]
        arrived = tuple(self._await(pointer, waiting) for pointer in (*known.values(), *moved))
        _require_all(arrived)
        return arrived[len(known) :]

    def _await(self, pointer: Pointer, waiting: Callable[[str], None]) -> Arrival:
        return self.arrivals.wait(pointer, self.deadline_seconds, waiting)

    def _promote(self, subject: Subject, tell: ProgressReporter) -> Pointer:
        release = self.publisher.publish(subject, tell)
        reason = _UNSHAKEN if subject.kind is Kind.IMAGE else _REASON
        wish = Move(subject=subject, release=release, from_revision=0, moved_by=self.who, reason=reason)
        return self.pointers.move([wish])[0]


def _require_all(arrivals: tuple[Arrival, ...]) -> None:
    late = [arrival for arrival in arrivals if arrival.ending is not ArrivalOutcome.ARRIVED]
    if late:
        details = "\n".join(f"{each.pointer.subject}: {each.ending}: {each.why}" for each in late)
        raise UnavailableError(
            f"{len(late)} of {len(arrivals)} did not arrive",
            hint="`handshake status` shows what it waits for; `handshake logs NAME` shows the output.",
            details=details,
        )
