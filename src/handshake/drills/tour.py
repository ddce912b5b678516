"""The tour: through every box with real requests, each kind of release and its rollback under load, a ban, a switch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import urllib3

from handshake.control.arrival import Arrival, Ending
from handshake.control.edge_data import DataReport
from handshake.control.operator import Operator
from handshake.control.publisher import Telling
from handshake.core.digest import Digest
from handshake.core.release import Kind, Subject
from handshake.drills.ledger import DonationLedger, Reconciliation, reconcile
from handshake.drills.load_run import LoadReport, LoadRun, load_running
from handshake.drills.plan import LoadPlan
from handshake.drills.request_kind import Content, RequestKind, donation_kind
from handshake.drills.summary import summarise_load
from handshake.drills.target import Target

BANNED = "127.66.6.6"
"""A visitor of the drill's own: all of 127.0.0.0/8 is this machine."""
_ARRIVAL_SECONDS = 120.0
_PAGES = ("/", "/donate", "/calls/", "/docs/", "/api-explorer/", "/api/events/events", "/api/openapi.json")
_SILENT = Telling(step=lambda _: None, upload=lambda _: None)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One stop of the tour: what was tried, whether it was as it should be, and what was measured."""

    name: str
    is_good: bool
    measured: str


@dataclass(frozen=True, kw_only=True)
class Tour:
    """Everything that a tour needs."""

    door: Target
    operator: Operator
    """Publishes from a changed copy of the campaign."""
    ledger: DonationLedger
    subjects: tuple[Subject, ...]
    """What is released and rolled back under load, one of each kind."""
    load_seconds: float
    rate_per_second: float

    def go(self) -> Iterator[Stop]:
        """Yield the stops as they are reached."""
        yield from map(self._visit, _PAGES)
        plan = self._plan()
        with load_running(plan) as load:
            begun = time.monotonic()
            for subject in self.subjects:
                yield from self._release(subject, load)
            yield from self._guard(load)
            _rest(begun + self.load_seconds)
        report = load.result()
        yield _judge_load(report)
        yield _judge_ledger(reconcile(report.record.results, self.ledger.read_donations()))

    def _visit(self, path: str) -> Stop:
        begun = time.monotonic()
        answer = urllib3.request("GET", f"http://{self.door}{path}", redirect=False, retries=False)
        measured = f"{answer.status}, {len(answer.data):,} bytes in {_milliseconds(begun)}"
        return Stop(name=f"GET {path}", is_good=answer.status == 200, measured=measured)  # noqa: PLR2004 -- OK

    def _plan(self) -> LoadPlan:
        return LoadPlan(
            target=self.door,
            kinds=(
                RequestKind(name="page", weight=3, path="/", content=Content.FILLED),
                RequestKind(name="site", weight=3, path="/calls/", content=Content.FILLED),
                RequestKind(name="api", weight=2, path="/api/events/events", content=Content.JSON),
                donation_kind(weight=4),
            ),
            rate_per_second=self.rate_per_second,
            # Releases take as long as they take; the load is stopped when they are through.
            duration_seconds=self.load_seconds + 2 * len(self.subjects) * _ARRIVAL_SECONDS,
        )

    def _release(self, subject: Subject, load: LoadRun) -> Iterator[Stop]:
        release = self.operator.publish(subject, _SILENT)
        load.mark(f"promote {subject}")
        yield self._arrive(f"promote {subject}", lambda: self._promote(subject, release))
        load.mark(f"roll back {subject}")
        yield self._arrive(f"roll back {subject}", lambda: self._roll_back(subject))

    def _promote(self, subject: Subject, release: Digest) -> Arrival:
        moved = self.operator.promote(subject, release, reason="tour", forced="a harmless change")
        return self.operator.wait(moved, seconds=_ARRIVAL_SECONDS, tell=lambda _: None)

    def _roll_back(self, subject: Subject) -> Arrival:
        moved = self.operator.roll_back(subject, reason="tour")
        return self.operator.wait(moved, seconds=_ARRIVAL_SECONDS, tell=lambda _: None)

    def _arrive(self, name: str, move: Callable[[], Arrival]) -> Stop:
        arrival = move()
        measured = f"{arrival.ending} after {arrival.seconds:.2f} s: {arrival.why}"
        return Stop(name=name, is_good=arrival.ending is Ending.ARRIVED, measured=measured)

    def _guard(self, load: LoadRun) -> Iterator[Stop]:
        load.mark("ban and switch")
        ban = self.operator.put_on_list("wall", BANNED, seconds=60, reason="tour")
        yield self._check(f"ban {BANNED}", ban, self._ask_as(BANNED), 403)
        unban = self.operator.take_off_list("wall", BANNED, reason="tour")
        yield self._check(f"let {BANNED} in again", unban, self._ask_as(BANNED), 200)
        switch = self.operator.set_switch("non_us_ban", is_on=True, seconds=60, reason="tour")
        yield self._check("switch non_us_ban on", switch, self._ask_as("127.0.0.1"), 200)
        undone = self.operator.undo_switch("non_us_ban")
        yield self._check("undo switch non_us_ban", undone, self._ask_as("127.0.0.1"), 200)

    def _ask_as(self, address: str) -> int:
        pool = urllib3.HTTPConnectionPool(
            self.door.host, self.door.port, source_address=(address, 0), retries=False
        )
        with pool:
            return pool.request("GET", "/").status

    def _check(self, name: str, report: DataReport, status: int, expected: int) -> Stop:
        is_good = report.is_enforced and status == expected
        measured = f"every door after {report.seconds * 1000:.0f} ms; that visitor gets {status}"
        return Stop(name=name, is_good=is_good, measured=measured)


def tour_subjects(campaign: str) -> tuple[Subject, ...]:
    """Return one subject of each kind of the example campaign."""
    return (
        Subject(kind=Kind.SITE, name="calls"),
        Subject(kind=Kind.TEMPLATES, name="secretary"),
        Subject(kind=Kind.IMAGE, name="events"),
        Subject(kind=Kind.IMAGE, name="hamm"),
        Subject(kind=Kind.POLICY, name=campaign),
    )


def _judge_load(report: LoadReport) -> Stop:
    summary = summarise_load(report)
    measured = (
        f"{summary.requests:,} requests, {summary.failed} failed, p50 {summary.latency.p50 * 1000:.1f} ms, "
        f"p99 {summary.latency.p99 * 1000:.1f} ms"
    )
    return Stop(name="load through all of it", is_good=summary.failed == 0, measured=measured)


def _judge_ledger(found: Reconciliation) -> Stop:
    measured = (
        f"{found.sent:,} donations sent, {found.confirmed:,} receipts stored, {len(found.missing)} missing, "
        f"{len(found.doubled)} doubled"
    )
    is_good = found.is_exact and not found.unanswered and found.confirmed == found.sent
    return Stop(name="ledger", is_good=is_good, measured=measured)


def _rest(until: float) -> None:
    time.sleep(max(0.0, until - time.monotonic()))


def _milliseconds(begun: float) -> str:
    return f"{(time.monotonic() - begun) * 1000:.1f} ms"
