"""The tour: real requests to every part, releases and rollbacks under load, a ban, a switch."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from handshake.campaign.operator import Operator
from handshake.campaign.publish import ProgressReporter
from handshake.campaign.settings import CampaignSettings
from handshake.config.campaign_head import EDGE_FILE
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.drills.load_run import LoadReport, LoadRun, load_running
from handshake.drills.plan import LoadPlan, Target
from handshake.drills.reconciliation import DonationLedger, Reconciliation, reconcile
from handshake.drills.requests import RequestContent, RequestKind, donation_kind
from handshake.drills.summary import summarise_load
from handshake.drills.tour_plan import BANNED, VISITOR, Ban, Flip, TourPlan
from handshake.edge.lists.declared import DataReport
from handshake.image.recipe import read_recipe
from handshake.pointers.arrival import Arrival, ArrivalOutcome

_ARRIVAL_SECONDS = 120.0
_OK = 200
_SILENT = ProgressReporter(step=lambda _: None, upload=lambda _: None)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One stop of the tour: what was tried, whether it passed, and what was measured."""

    name: str
    is_good: bool
    measured: str
    is_skipped: bool = False
    """Whether the stop does not apply to the campaign; `measured` says why."""


@dataclass(frozen=True, kw_only=True)
class Tour:
    """Everything that a tour needs."""

    ingress: Target
    operator: Operator
    """Publishes from a changed copy of the campaign."""
    ledger: DonationLedger | None
    """Where the donations of the load are stored; None where the campaign takes none."""
    plan: TourPlan
    subjects: tuple[Subject, ...]
    """What is released and rolled back under load."""
    load_seconds: float
    rate_per_second: float
    clock: Clock

    def go(self) -> Iterator[Stop]:
        """Yield the stops as they are reached."""
        if not self.plan.pages:
            raise RefusedError(
                "the campaign has no page that a tour could visit",
                hint="A tour visits sites, and the `reads` of services (service.toml).",
            )
        for skip in self.plan.skipped:
            yield Stop(name=skip.name, is_good=True, measured=skip.why, is_skipped=True)
        yield from map(self._visit, self.plan.pages)
        yield from self._go_under_load()

    def _go_under_load(self) -> Iterator[Stop]:
        with load_running(self._load_plan(), clock=self.clock) as load:
            begun = self.clock.monotonic()
            for subject in self.subjects:
                yield from self._release(subject, load)
            yield from self._guard(load)
            self._rest(begun + self.load_seconds)
        report = load.result()
        yield _judge_load(report)
        if self.ledger and self.plan.donating:
            found = reconcile(report.record.results, self.ledger.read_donations())
            yield _judge_ledger(self.plan.donating.store, found)

    def _visit(self, path: str) -> Stop:
        begun = self.clock.monotonic()
        answer = urllib3.request("GET", f"http://{self.ingress}{path}", redirect=False, retries=False)
        milliseconds = (self.clock.monotonic() - begun) * 1000
        measured = f"{answer.status}, {len(answer.data):,} bytes in {milliseconds:.1f} ms"
        return Stop(name=f"GET {path}", is_good=answer.status == _OK, measured=measured)

    def _rest(self, until: float) -> None:
        self.clock.sleep(max(0.0, until - self.clock.monotonic()))

    def _load_plan(self) -> LoadPlan:
        return LoadPlan(
            target=self.ingress,
            kinds=load_kinds(self.plan),
            rate_per_second=self.rate_per_second,
            # Releases take as long as they take; the load is stopped when they are through.
            duration_seconds=self.load_seconds + 2 * len(self.subjects) * _ARRIVAL_SECONDS,
            sources=(VISITOR,),
        )

    def _release(self, subject: Subject, load: LoadRun) -> Iterator[Stop]:
        today = self.operator.pointers.get(subject)
        release = self.operator.publish(subject, _SILENT)
        if today and today.release == release:
            why = "its build drops the harmless change, so there is no other release to promote"
            yield Stop(name=f"release {subject}", is_good=True, measured=why, is_skipped=True)
            return
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
        return Stop(name=name, is_good=arrival.ending is ArrivalOutcome.ARRIVED, measured=measured)

    def _guard(self, load: LoadRun) -> Iterator[Stop]:
        load.mark("ban and switch")
        if self.plan.ban:
            yield from self._ban(self.plan.ban)
        if self.plan.flip:
            yield from self._flip(self.plan.flip)

    def _ban(self, ban: Ban) -> Iterator[Stop]:
        done = self.operator.put_on_list(ban.list_name, BANNED, seconds=60, reason="tour")
        yield self._check(f"ban {BANNED}", done, self._ask_as(BANNED, ban.page), ban.status)
        undone = self.operator.take_off_list(ban.list_name, BANNED, reason="tour")
        yield self._check(f"let {BANNED} in again", undone, self._ask_as(BANNED, ban.page), _OK)

    def _flip(self, flip: Flip) -> Iterator[Stop]:
        name = f"switch {flip.switch} {'on' if flip.is_on else 'off'}"
        done = self.operator.set_switch(flip.switch, is_on=flip.is_on, seconds=60, reason="tour")
        yield self._check(name, done, self._ask_as(VISITOR, flip.page), _OK)
        undone = self.operator.undo_switch(flip.switch)
        yield self._check(f"undo switch {flip.switch}", undone, self._ask_as(VISITOR, flip.page), _OK)

    def _ask_as(self, address: str, page: str) -> int:
        pool = urllib3.HTTPConnectionPool(
            self.ingress.host, self.ingress.port, source_address=(address, 0), retries=False
        )
        with pool:
            return pool.request("GET", page, redirect=False).status

    def _check(self, name: str, report: DataReport, status: int, expected: int) -> Stop:
        is_good = report.is_enforced and status == expected
        measured = f"every ingress after {report.seconds * 1000:.0f} ms; that visitor gets {status}"
        return Stop(name=name, is_good=is_good, measured=measured)


def load_kinds(plan: TourPlan) -> tuple[RequestKind, ...]:
    """Return what the load asks for: every page alike, and donations, half as many as pages, where they are taken."""
    pages = tuple(
        RequestKind(name=f"GET {page}", path=page, content=RequestContent.FILLED) for page in plan.pages
    )
    if not plan.donating:
        return pages
    giving = plan.donating
    return (*pages, donation_kind(giving.path, weight=len(pages) / 2, header=giving.header))


def _judge_load(report: LoadReport) -> Stop:
    summary = summarise_load(report)
    measured = (
        f"{summary.requests:,} requests, {summary.failed} failed, p50 {summary.latency.p50 * 1000:.1f} ms, "
        f"p99 {summary.latency.p99 * 1000:.1f} ms"
    )
    return Stop(name="load through all of it", is_good=summary.failed == 0, measured=measured)


def _judge_ledger(store: str, found: Reconciliation) -> Stop:
    measured = (
        f"{found.sent:,} donations sent, {found.confirmed:,} receipts stored, {len(found.missing)} missing, "
        f"{len(found.doubled)} doubled"
    )
    is_good = found.is_exact and not found.unanswered and found.confirmed == found.sent
    return Stop(name=store, is_good=is_good, measured=measured)


# A campaign with one harmless change in everything that it can release, for drills that release under load.

_LEFT_OUT_NAMES = ("dist", "__pycache__", ".venv")
_LEFT_OUT = shutil.ignore_patterns(*_LEFT_OUT_NAMES)
_RULE = """
[[rule]]
name = "drill"
phase = "serve"
when = 'request.user_agent == "{agent}"'
respond = {{ status = 403, body = "drill" }}
"""


@dataclass(frozen=True, kw_only=True)
class SampleChange:
    """A subject, and where in the campaign's folder a harmless change of it is made."""

    subject: Subject
    place: Path
    """Relative to the campaign's folder: of a site or templates a folder with pages, of an image one that it copies."""


def find_changes(folder: Path, campaign: CampaignSettings) -> tuple[SampleChange, ...]:
    """Return what a drill can release: the first site and the first templates with pages, images, the policy."""
    pages = [
        next(
            _with_pages(folder, Kind.SITE, {name: its.source for name, its in campaign.sites.items()}), None
        ),
        next(
            _with_pages(
                folder, Kind.TEMPLATES, {name: its.source for name, its in campaign.templates.items()}
            ),
            None,
        ),
    ]
    return (
        *(change for change in pages if change),
        *_images(folder, campaign),
        SampleChange(subject=Subject(kind=Kind.POLICY, name=campaign.name), place=Path(EDGE_FILE)),
    )


@contextmanager
def changed_campaign(folder: Path, changes: Iterable[SampleChange], mark: str) -> Iterator[Path]:
    """Copy a campaign's folder and make the changes in it; the copy goes with the block."""
    with tempfile.TemporaryDirectory(prefix="handshake-drill-") as root:
        copy = Path(root) / "campaign"
        shutil.copytree(folder, copy, ignore=_LEFT_OUT)
        for change in changes:
            _make(change.subject.kind, copy / change.place, mark)
        yield copy


def _with_pages(folder: Path, kind: Kind, sources: dict[str, str]) -> Iterator[SampleChange]:
    for name, source in sources.items():
        place = _inside(folder, folder / source)
        if place and any(_pages(folder / place)):
            yield SampleChange(subject=Subject(kind=kind, name=name), place=place)


def _images(folder: Path, campaign: CampaignSettings) -> Iterator[SampleChange]:
    """Yield each service whose image has a folder of the service's own: a file more in it is another image."""
    for name, its in campaign.services.items():
        source = folder / its.source
        copied = [source / step.copy_ for step in read_recipe(source).model.build if step.copy_]
        own = (each for each in copied if each.is_dir() and each.resolve().is_relative_to(source.resolve()))
        place = next(filter(None, (_inside(folder, each) for each in own)), None)
        if place:
            yield SampleChange(subject=Subject(kind=Kind.IMAGE, name=name), place=place)


def _inside(folder: Path, path: Path) -> Path | None:
    """Return a path relative to the campaign's folder; None if the copy would not hold it."""
    if not path.resolve().is_relative_to(folder.resolve()):
        return None
    return path.resolve().relative_to(folder.resolve())


def _make(kind: Kind, place: Path, mark: str) -> None:
    match kind:
        case Kind.SITE | Kind.TEMPLATES:
            for page in _pages(place):
                with page.open("a", encoding="utf-8") as file:
                    file.write(f"<!-- {mark} -->\n")
        case Kind.IMAGE:
            (place / "drill.txt").write_text(mark, encoding="utf-8")
        case Kind.POLICY:
            with place.open("a", encoding="utf-8") as file:
                file.write(_RULE.format(agent=mark))


def _pages(folder: Path) -> Iterator[Path]:
    """Yield the pages below a folder, but for those that a build has made."""
    for page in folder.rglob("*.html"):
        if not set(_LEFT_OUT_NAMES) & set(page.relative_to(folder).parts):
            yield page
