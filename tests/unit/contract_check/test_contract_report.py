"""Judging: promises in turn, on instances that no other promise has broken; and what a report says as a whole."""

from __future__ import annotations

from itertools import count

import pytest

from handshake.core.digest import digest_bytes
from handshake.image.contract_check.promises import PROMISES
from handshake.image.contract_check.report import (
    ContractJudgement,
    ContractReport,
    has_passed,
    judge_promises,
    print_broken,
)
from handshake.image.contract_check.trial import CheckResult, PromiseRuling, broken, kept, not_made, unknown
from tests.support.clock import FakeClock
from tests.unit.contract_check.memory_trial import Habits, MemoryTrial, serve_honestly


def judge(trial: MemoryTrial) -> tuple[ContractJudgement, ...]:
    """Judge all promises of a trial."""
    return tuple(
        judge_promises(
            PROMISES, trial, tell=lambda _: None, monotonic=FakeClock().monotonic, renew=trial.renew
        )
    )


def judgement(promise: str, finding: CheckResult) -> ContractJudgement:
    """Return a judgement."""
    return ContractJudgement(promise=promise, sentence="does so", finding=finding, seconds=0.0)


def test_an_honest_service_needs_three_instances() -> None:
    """Two instances serve for all promises of a service that keeps them, and one is launched without its secrets."""
    trial = MemoryTrial(habits=Habits(serve=serve_honestly))
    assert has_passed(judge(trial))
    assert trial.launched == 3


def test_what_never_answers_breaks_one_promise() -> None:
    """Where no instance answers, that is the finding; what needs one that does is unknown, not broken."""
    found = judge(MemoryTrial(habits=Habits(serve=serve_honestly, is_silent=True)))
    rulings = {each.promise: each.finding.ruling for each in found}
    assert rulings.pop("answers") is PromiseRuling.BROKEN
    assert rulings.pop("secrets") is PromiseRuling.KEPT
    assert set(rulings.values()) == {PromiseRuling.UNKNOWN}
    assert not has_passed(found)


def test_a_broken_promise_is_followed_by_new_instances() -> None:
    """What one promise broke in an instance is not held against the next: it gets instances of its own."""
    trial = MemoryTrial(habits=Habits(serve=serve_honestly, others=("127.0.0.1:9999",)))
    found = judge(trial)
    assert [each.promise for each in found if each.finding.ruling is PromiseRuling.BROKEN] == ["port"]
    assert trial.launched == 5


def test_progress_and_time_are_told() -> None:
    """Whoever waits hears which promise is put to the test, and the report how long each one took."""
    told: list[str] = []
    seconds = count()
    trial = MemoryTrial(habits=Habits(serve=serve_honestly))
    found = tuple(
        judge_promises(
            PROMISES,
            trial,
            tell=lambda promise: told.append(promise.name),
            monotonic=lambda: float(next(seconds)),
            renew=trial.renew,
        )
    )
    assert told == [promise.name for promise in PROMISES]
    assert {each.seconds for each in found} == {1.0}


@pytest.mark.parametrize(
    ("findings", "passes"),
    [
        ([kept("yes"), not_made("no templates")], True),
        ([kept("yes"), broken("no")], False),
        ([kept("yes"), unknown("silent")], False),
    ],
)
def test_only_what_was_tested_and_kept_passes(findings: list[CheckResult], passes: bool) -> None:  # noqa: FBT001 -- a case
    """A release passes with promises kept or not made, not with one broken, nor with one that nobody could test."""
    assert has_passed(judgement("port", finding) for finding in findings) is passes


def test_broken_promises_are_named() -> None:
    """A refusal names the promises that are broken, and leaves out what could not be tested."""
    report = ContractReport(
        service="hamm",
        release=digest_bytes(b""),
        passed=False,
        judgements=(
            judgement("port", broken("two")),
            judgement("logs", unknown("silent")),
            judgement("drain", broken("lost")),
        ),
        by="adam",
        at=0.0,
        seconds=1.0,
    )
    assert print_broken(report) == "port, drain"
