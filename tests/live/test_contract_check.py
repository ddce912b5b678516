"""The contract check in real sandboxes: a service for each promise, which breaks this one and no other."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from handshake.image.contract_check.promises import PROMISES
from handshake.image.contract_check.report import ContractReport
from handshake.image.contract_check.trial import PromiseRuling
from handshake.release.tree import remove_tree
from tests.live.contract_checking import ContractChecker

pytestmark = pytest.mark.live

SERVICES = Path(__file__).parents[1] / "services"
NAMES = [promise.name for promise in PROMISES]


@pytest.fixture(scope="module")
def checker() -> Iterator[ContractChecker]:
    """What makes and shakes releases, in a folder that instances' users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="handshake-shake-"))
    folder.chmod(0o755)
    look = folder / "look"
    look.mkdir()
    (look / "page.html").write_text("<p>look</p>\n")
    checker = ContractChecker(folder=folder)
    checker.make_templates("look", look)
    yield checker
    assert list((folder / "contract-checks").iterdir()) == []
    for tree in (folder / "trees").iterdir():
        remove_tree(tree)
    shutil.rmtree(folder)


def rulings(report: ContractReport) -> dict[str, PromiseRuling]:
    """Return what was found of each promise."""
    return {judgement.promise: judgement.finding.ruling for judgement in report.judgements}


def explain(report: ContractReport) -> str:
    """Return a report's findings, a line each."""
    return "\n".join(
        f"{each.promise} {each.finding.ruling} {each.seconds} {each.finding.said} {each.finding.evidence}"
        for each in report.judgements
    )


def test_a_service_that_keeps_all_promises_passes(checker: ContractChecker) -> None:
    """Of an honest service every promise is put to the test and kept."""
    report = checker.check("honest", checker.make_image(SERVICES / "honest"))
    assert rulings(report) == dict.fromkeys(NAMES, PromiseRuling.KEPT), explain(report)
    assert report.passed


@pytest.mark.parametrize("name", NAMES)
def test_a_service_that_breaks_one_promise_fails_this_one_alone(checker: ContractChecker, name: str) -> None:
    """For every promise there is a service that breaks it, and of no other is it said that it is broken."""
    report = checker.check(name, checker.make_image(SERVICES / name))
    found = rulings(report)
    assert [promise for promise, ruling in found.items() if ruling is PromiseRuling.BROKEN] == [name], (
        explain(report)
    )
    if name != "answers":
        assert PromiseRuling.UNKNOWN not in found.values(), explain(report)
    assert not report.passed
