"""The report of a contract check, its record, and the rule that only images that passed are promoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Write
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import contract_result_key
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.image.contract_check.promises import Promise
from handshake.image.contract_check.trial import CheckResult, ImageTrial, PromiseRuling, SilentError, unknown
from handshake.pointers.pointer import Pointer


@dataclass(frozen=True, kw_only=True)
class ContractJudgement:
    """One promise and its result."""

    promise: str
    sentence: str
    """The promise, as the end of the sentence `the service ...`."""
    finding: CheckResult
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ContractReport:
    """The result of the check of a release."""

    service: str
    release: Digest
    passed: bool
    judgements: tuple[ContractJudgement, ...]
    by: str
    at: float
    """UTC, seconds since the epoch."""
    seconds: float


def judge_promises(
    promises: Sequence[Promise],
    trial: ImageTrial,
    *,
    tell: Callable[[Promise], None],
    monotonic: Callable[[], float],
    renew: Callable[[], None],
) -> Iterator[ContractJudgement]:
    """Yield a judgement for each promise; `tell` hears which one begins.

    `renew` is called after a broken one, so that no promise is judged on an instance that another one broke.
    """
    for promise in promises:
        tell(promise)
        begun = monotonic()
        finding = _check(promise, trial)
        if finding.ruling is PromiseRuling.BROKEN:
            renew()
        yield ContractJudgement(
            promise=promise.name,
            sentence=promise.sentence,
            finding=finding,
            seconds=round(monotonic() - begun, 3),
        )


def has_passed(judgements: Iterable[ContractJudgement]) -> bool:
    """Whether every promise that the contract makes was put to the test and is kept."""
    return all(each.finding.ruling in {PromiseRuling.KEPT, PromiseRuling.NOT_MADE} for each in judgements)


def print_broken(report: ContractReport) -> str:
    """Return the names of the promises that a release breaks: `drain, logs`."""
    return ", ".join(
        each.promise for each in report.judgements if each.finding.ruling is PromiseRuling.BROKEN
    )


def _check(promise: Promise, trial: ImageTrial) -> CheckResult:
    try:
        return promise.check(trial)
    except SilentError as error:
        return unknown(error.what)


# What the contract check found, release by release; and the rule that nothing unchecked is promoted.


class ContractResults:
    """The reports of all contract checks, the newest of each release."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def find(self, release: Digest) -> ContractReport | None:
        """Return the newest report on a release, None if it was never shaken."""
        entry = self._catalog.get(contract_result_key(release))
        return decode(ContractReport, entry.value) if entry else None

    def has_passed(self, release: Digest) -> bool:
        """Whether the newest report on a release says that it keeps its promises."""
        report = self.find(release)
        return report is not None and report.passed

    def write(self, report: ContractReport) -> None:
        """Keep a report in the place of the one before, and tell the journal."""
        self._catalog.transact(
            [
                Write(key=contract_result_key(report.release), value=encode(report)),
                journal_write(report.by, _describe(report), report.at),
            ]
        )


def require_checked(
    subject: Subject, release: Digest, report: ContractReport | None, history: Iterable[Pointer]
) -> None:
    """Raise RefusedError for an image that has not passed the contract check, unless it was stable before."""
    if subject.kind is not Kind.IMAGE or any(past.stable == release for past in history):
        return
    if report is None:
        raise RefusedError(
            f"{subject} {short(release)} has not been through the contract check", hint=_hint(release)
        )
    if not report.passed:
        raise RefusedError(
            f"{subject} {short(release)} failed the contract check: {print_broken(report)}",
            hint=_hint(release),
        )


def _hint(release: Digest) -> str:
    return (
        f'`handshake contract check {short(release)}` runs the check; `--force "reason"` promotes it anyway.'
    )


def _describe(report: ContractReport) -> str:
    what = f"image/{report.service} {short(report.release)}"
    return (
        f"{what} passed the contract check"
        if report.passed
        else f"{what} failed the contract check: {print_broken(report)}"
    )
