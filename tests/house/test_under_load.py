"""The promise: releases and rollbacks of every kind under load, and no visitor notices."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from handshake.control.house import House, load_house
from handshake.core.clock import SystemClock
from handshake.core.release import Subject, parse_subject
from handshake.drills.changed_campaign import changed_campaign
from handshake.drills.ledger import reconcile
from handshake.drills.load_run import LoadReport, load_running
from handshake.drills.plan import LoadPlan
from handshake.drills.request_kind import Content, RequestKind, donation_kind
from handshake.drills.summary import summarise_load
from handshake.drills.summary_print import print_failures, print_lines
from handshake.drills.target import Target
from handshake.wiring import Wiring
from tests.house.house import HouseUnderTest, house_up

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

LOAD_SECONDS = 60.0
RATE_PER_SECOND = 120.0
RELEASED = ("image/events", "templates/secretary", "site/calls", "policy/campaign")
FAULT_FILE = "kill-after-write"


def plan_for(house: HouseUnderTest, *, kinds: tuple[RequestKind, ...], rate: float, seconds: float) -> LoadPlan:
    """Return a plan that goes through the house's door."""
    host, _, port = house.door.rpartition(":")
    target = Target(host=host, port=int(port))
    return LoadPlan(target=target, kinds=kinds, rate_per_second=rate, duration_seconds=seconds)


def wiring_of(house: HouseUnderTest) -> Wiring:
    """Return the parts of the house, as verbs put them together."""
    described: House = load_house(house.run / "house.json")
    return Wiring(described, SystemClock())


def explain(report: LoadReport) -> str:
    """Return what a failing test should print."""
    return "\n".join([*print_failures(report), *print_lines(report)])


def test_everything_is_released_and_rolled_back_under_load(house: HouseUnderTest) -> None:
    """A minute of GET and POST through four releases and their rollbacks: nothing fails, each gift is stored once."""
    subjects: tuple[Subject, ...] = tuple(map(parse_subject, RELEASED))
    kinds = (
        RequestKind(name="page", weight=2, path="/", content=Content.FILLED),
        RequestKind(name="site", weight=2, path="/calls/", content=Content.FILLED),
        RequestKind(name="api", weight=2, path="/api/events/events", content=Content.JSON),
        donation_kind(weight=4),
    )
    plan = plan_for(house, kinds=kinds, rate=RATE_PER_SECOND, seconds=600)
    with changed_campaign(house.campaign, subjects, "under-load") as changed, load_running(plan) as load:
        clock = SystemClock()
        begun = clock.monotonic()
        for subject in subjects:
            source = {
                "image": changed / "services" / subject.name,
                "templates": changed / "templates" / subject.name,
                "site": changed / "sites" / subject.name,
                "policy": changed,
            }[subject.kind]
            operator = wiring_of(house).operator("test", changed)
            release = operator.publish(subject, SILENT, source=source)
            load.mark(f"promote {subject}")
            house.verb("promote", str(subject), release)
            load.mark(f"roll back {subject}")
            house.verb("rollback", str(subject))
        clock.sleep(max(0.0, LOAD_SECONDS - (clock.monotonic() - begun)))
    report = load.result()
    summary = summarise_load(report)

    assert summary.span.seconds >= LOAD_SECONDS
    assert summary.failed == 0, explain(report)
    found = reconcile(report.record.results, wiring_of(house).donations().read_donations())
    assert (found.missing, found.doubled, found.unanswered) == ((), (), ())
    assert found.confirmed == found.sent
    assert found.sent > LOAD_SECONDS


def test_an_instance_killed_between_write_and_answer_doubles_nothing() -> None:
    """An instance dies after storing a donation and before answering; the donor tries again and it counts once."""
    with house_up(arm_fault) as house:
        plan = plan_for(house, kinds=(donation_kind(tries=8),), rate=20, seconds=60)
        with load_running(plan) as load:
            SystemClock().sleep(2)
            victim = next(path.name for path in (house.run / "instances").iterdir() if path.name.startswith("hamm-"))
            load.mark("killed between write and answer")
            (Path(f"/proc/{house.pid_of(victim)}/root/tmp") / FAULT_FILE).touch()
            wait_until_gone(house, victim)
            SystemClock().sleep(3)
        report = load.result()
        found = reconcile(report.record.results, wiring_of(house).donations().read_donations())

        assert [result for result in report.record.results if not result.is_good], "nobody met the dying instance"
        assert (found.missing, found.doubled, found.unanswered) == ((), (), ())
        assert found.confirmed == found.sent
        rows = house.verb("status")["fleets"]
        members = next(row["instances"] for row in rows if row["service"] == "hamm")
        assert victim not in {member["instance"] for member in members}, "it was replaced, not restarted"
