"""`kill -9` of instances under load, through the whole campaign: what may fail, and what may not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handshake.core.clock import SystemClock
from handshake.drills.load_run import load_running
from handshake.drills.reconciliation import reconcile
from handshake.drills.requests import RequestContent, RequestKind, RequestResult, donation_kind
from tests.system.campaign_up import CampaignUnderTest, system_up
from tests.system.loads import explain, members, open_campaign, plan_load
from tests.system.processes import supervised, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

RATE_PER_SECOND = 100.0
VICTIMS = ("hamm", "events", "secretary", "hamm")
KINDS = (
    RequestKind(name="page", path="/", content=RequestContent.FILLED),
    RequestKind(name="api", path="/api/events/events", content=RequestContent.JSON),
    RequestKind(name="summary", path="/api/hamm/summary", content=RequestContent.JSON),
    donation_kind("/api/hamm/donations", weight=3),
)
NOTICE_SECONDS = 0.1
"""How long the kernel may take to end a killed process's connections: what is sent into them meanwhile is in flight."""


@pytest.fixture(scope="module")
def system() -> Iterator[CampaignUnderTest]:
    """Bring a campaign up."""
    with system_up() as up:
        yield up


def test_only_donations_in_flight_on_the_dead_instance_fail(system: CampaignUnderTest) -> None:
    """No GET fails, no POST is carried out twice or lost once answered, and every failure was under way at a kill."""
    clock, killed_at = SystemClock(), []
    plan = plan_load(system, *KINDS, rate_per_second=RATE_PER_SECOND, seconds=300)
    with load_running(plan) as load:
        for service in VICTIMS:
            clock.sleep(2)
            victim = min(members(system, service))
            load.mark(f"kill {victim}")
            killed_at.append(clock.monotonic())
            supervised(system.run / "instances" / victim)[1].kill()
            wait_until(lambda: is_replaced(system, service, victim), 60)  # noqa: B023 -- called before the next turn
        clock.sleep(2)
    report = load.result()

    failed = [result for result in report.record.results if not result.is_good]
    assert {result.kind for result in failed} <= {"donate"}, explain(report)
    assert all(was_in_flight(result, killed_at) for result in failed), explain(report)
    found = reconcile(report.record.results, open_campaign(system).donations("ledger").read_donations())
    assert (found.missing, found.doubled) == ((), ())
    assert len(found.unanswered) <= len(failed)
    assert found.confirmed == found.sent - len(failed)
    assert found.sent > RATE_PER_SECOND


def was_in_flight(result: RequestResult, moments: list[float]) -> bool:
    """Whether a request was under way at one of these moments."""
    return any(result.started_at - NOTICE_SECONDS <= at <= result.ended_at for at in moments)


def is_replaced(system: CampaignUnderTest, service: str, victim: str) -> bool:
    """Whether another instance has taken a dead one's place."""
    now = members(system, service)
    return victim not in now and len(now) == 2 and system.verb("status")["is_settled"]
