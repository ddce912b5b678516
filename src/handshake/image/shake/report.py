"""The report of a contract check: one judgement for each promise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from handshake.core.digest import Digest
from handshake.image.shake.finding import Finding, Ruling, unknown
from handshake.image.shake.promise import Promise
from handshake.image.shake.trial import SilentError, Trial


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One promise and what was found."""

    promise: str
    sentence: str
    """What is promised, as the end of the sentence `the service ...`."""
    finding: Finding
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ShakeReport:
    """What a release was found to be like."""

    service: str
    release: Digest
    passed: bool
    judgements: tuple[Judgement, ...]
    by: str
    at: float
    """UTC, seconds since the epoch."""
    seconds: float


def judge_promises(
    promises: Sequence[Promise],
    trial: Trial,
    *,
    tell: Callable[[Promise], None],
    monotonic: Callable[[], float],
    renew: Callable[[], None],
) -> Iterator[Judgement]:
    """Yield a judgement for each promise; `tell` hears which one begins.

    `renew` is called after a broken one, so that no promise is judged on an instance that another one broke.
    """
    for promise in promises:
        tell(promise)
        begun = monotonic()
        finding = _check(promise, trial)
        if finding.ruling is Ruling.BROKEN:
            renew()
        yield Judgement(
            promise=promise.name,
            sentence=promise.sentence,
            finding=finding,
            seconds=round(monotonic() - begun, 3),
        )


def has_passed(judgements: Iterable[Judgement]) -> bool:
    """Whether every promise that the contract makes was put to the test and is kept."""
    return all(each.finding.ruling in {Ruling.KEPT, Ruling.NOT_MADE} for each in judgements)


def print_broken(report: ShakeReport) -> str:
    """Return the names of the promises that a release breaks: `drain, logs`."""
    return ", ".join(each.promise for each in report.judgements if each.finding.ruling is Ruling.BROKEN)


def _check(promise: Promise, trial: Trial) -> Finding:
    try:
        return promise.check(trial)
    except SilentError as error:
        return unknown(error.what)
