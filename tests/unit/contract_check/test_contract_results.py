"""Nothing unchecked is promoted: the rule, and the reports that it reads."""

from __future__ import annotations

import pytest

from handshake.catalog.journal import read_journal
from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.image.contract_check.report import (
    ContractJudgement,
    ContractReport,
    ContractResults,
    require_checked,
)
from handshake.image.contract_check.trial import broken, kept
from handshake.pointers.pointer import Pointer
from tests.support.catalog import MemoryCatalog

RELEASE = digest_bytes(b"release")
OTHER = digest_bytes(b"other")
HAMM = Subject(kind=Kind.IMAGE, name="hamm")


def report(*, passed: bool) -> ContractReport:
    """Return a report on the release."""
    finding = kept("72 MB") if passed else broken("it ended")
    return ContractReport(
        service="hamm",
        release=RELEASE,
        passed=passed,
        judgements=(ContractJudgement(promise="memory", sentence="stays", finding=finding, seconds=0.1),),
        by="adam",
        at=1.0,
        seconds=3.0,
    )


def past(*, stable: bool) -> Pointer:
    """Return a value that the pointer once had: the release, and whether it proved to be stable."""
    return Pointer(
        subject=HAMM,
        release=RELEASE,
        revision=1,
        stable=RELEASE if stable else OTHER,
        moved_by="adam",
        reason="promoted",
        moved_at=0.0,
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "has not been through the contract check"),
        (report(passed=False), "failed the contract check: memory"),
    ],
)
def test_an_image_that_has_not_passed_is_refused(found: ContractReport | None, said: str) -> None:
    """An image that was not checked, or that failed, is refused with the command to run and the way around it."""
    with pytest.raises(RefusedError, match=said) as refused:
        require_checked(HAMM, RELEASE, found, [past(stable=False)])
    assert "handshake contract check" in refused.value.hint
    assert "--force" in refused.value.hint


def test_an_image_that_has_passed_is_let_through() -> None:
    """A report that all promises are kept opens the way."""
    require_checked(HAMM, RELEASE, report(passed=True), [])


def test_an_image_that_was_stable_before_is_let_through() -> None:
    """Going back to a release that once ran in the whole fleet needs no contract check."""
    require_checked(HAMM, RELEASE, None, [past(stable=True)])


@pytest.mark.parametrize("kind", [Kind.SITE, Kind.TEMPLATES, Kind.POLICY])
def test_only_images_make_promises(kind: Kind) -> None:
    """Sites, templates and policies have no contract, so nothing is asked of them."""
    require_checked(Subject(kind=kind, name="calls"), RELEASE, None, [])


def test_the_newest_report_stands() -> None:
    """A release that was shaken again is what the newest report says; the journal keeps both."""
    catalog = MemoryCatalog()
    shaken = ContractResults(catalog)
    assert shaken.find(RELEASE) is None
    assert not shaken.has_passed(RELEASE)
    shaken.write(report(passed=False))
    assert shaken.find(RELEASE) == report(passed=False)
    assert not shaken.has_passed(RELEASE)
    shaken.write(report(passed=True))
    assert shaken.has_passed(RELEASE)
    assert {record.what.partition(" ")[2].partition(" ")[2] for record in read_journal(catalog)} == {
        "failed the contract check: memory",
        "passed the contract check",
    }
