"""The promise: releases and rollbacks of every kind under load, and no visitor notices."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from handshake.campaign.publish import ProgressReporter
from handshake.compose.cli import CliParts, compose_cli
from handshake.core.clock import SystemClock
from handshake.core.subject import parse_subject
from handshake.drills.load_run import LoadReport, load_running
from handshake.drills.plan import LoadPlan, Target
from handshake.drills.reconciliation import reconcile
from handshake.drills.requests import RequestContent, RequestKind, donation_kind
from handshake.drills.summary import print_failures, print_lines, summarise_load
from handshake.drills.tour import changed_campaign, find_changes
from handshake.release.node_paths import load_node
from tests.support.campaign import CampaignUnderTest, system_up

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

LOAD_SECONDS = 60.0
RATE_PER_SECOND = 120.0
RELEASED = ("image/events", "templates/secretary", "site/calls", "policy/campaign")
FAULT_FILE = "/tmp/kill-after-write"
SILENT = ProgressReporter(step=lambda _: None, upload=lambda _: None)


def plan_for(
    system: CampaignUnderTest, *, kinds: tuple[RequestKind, ...], rate: float, seconds: float
) -> LoadPlan:
    """Return a plan that goes through the campaign's ingress."""
    host, _, port = system.ingress.rpartition(":")
    target = Target(host=host, port=int(port))
    return LoadPlan(target=target, kinds=kinds, rate_per_second=rate, duration_seconds=seconds)


def open_campaign(system: CampaignUnderTest) -> CliParts:
    """Return the parts of the campaign, as verbs put them together."""
    return compose_cli(load_node(system.run / "node.json"), SystemClock())


def explain(report: LoadReport) -> str:
    """Return what a failing test should print."""
    return "\n".join([*print_failures(report), *print_lines(report)])


def test_everything_is_released_and_rolled_back_under_load(system: CampaignUnderTest) -> None:
    """A minute of GET and POST through four releases and their rollbacks: nothing fails, each gift is stored once."""
    subjects = tuple(map(parse_subject, RELEASED))
    kinds = (
        RequestKind(name="page", weight=2, path="/", content=RequestContent.FILLED),
        RequestKind(name="site", weight=2, path="/calls/", content=RequestContent.FILLED),
        RequestKind(name="api", weight=2, path="/api/events/events", content=RequestContent.JSON),
        donation_kind("/api/hamm/donations", weight=4),
    )
    plan = plan_for(system, kinds=kinds, rate=RATE_PER_SECOND, seconds=600)
    settings = open_campaign(system).campaign.require_live().policy.campaign
    changes = [its for its in find_changes(system.campaign, settings) if its.subject in subjects]
    assert len(changes) == len(subjects)
    with changed_campaign(system.campaign, changes, "under-load") as changed, load_running(plan) as load:
        clock = SystemClock()
        begun = clock.monotonic()
        operator = open_campaign(system).operator("test", changed)
        for subject in subjects:
            release = operator.publish(subject, SILENT)
            load.mark(f"promote {subject}")
            system.verb("promote", str(subject), release, "--force", "under load")
            load.mark(f"roll back {subject}")
            system.verb("rollback", str(subject))
        clock.sleep(max(0.0, LOAD_SECONDS - (clock.monotonic() - begun)))
    report = load.result()
    summary = summarise_load(report)

    assert summary.span.seconds >= LOAD_SECONDS
    assert summary.failed == 0, explain(report)
    found = reconcile(report.record.results, open_campaign(system).donations("ledger").read_donations())
    assert (found.missing, found.doubled, found.unanswered) == ((), (), ())
    assert found.confirmed == found.sent
    assert found.sent > LOAD_SECONDS


def arm_fault(system: CampaignUnderTest) -> None:
    """Let the campaign's hamm die between write and answer once a file says so."""
    recipe = system.campaign / "services" / "hamm" / "service.toml"
    armed = f'[environment]\nHAMM_FAULT_KILL_AFTER_WRITE = "{FAULT_FILE}"'
    recipe.write_text(recipe.read_text().replace("[environment]", armed))


def touch_inside(pid: int, file: str) -> None:
    """Make a file in a sandbox, as the sandbox's own user."""
    enter = ["nsenter", f"--target={pid}", "--user", "--mount"]
    if os.geteuid() == 0:
        uid = Path(f"/proc/{pid}").stat().st_uid
        enter += [f"--setuid={uid}", f"--setgid={uid}"]
    subprocess.run([*enter, "/usr/bin/touch", file], check=True)


def members(system: CampaignUnderTest, service: str) -> set[str]:
    """Return the instances that are assigned to a service."""
    rows = system.verb("status")["fleets"]
    own = next(row["instances"] for row in rows if row["service"] == service)
    return {instance["instance"] for instance in own}


def wait_until_replaced(system: CampaignUnderTest, service: str, victim: str) -> None:
    """Wait until another instance has taken a dead one's place."""
    clock = SystemClock()
    deadline = clock.monotonic() + 60
    while victim in members(system, service) or len(members(system, service)) < 2:
        assert clock.monotonic() < deadline, f"{victim} was not replaced"
        clock.sleep(0.5)


def test_an_instance_killed_between_write_and_answer_doubles_nothing() -> None:
    """An instance dies after storing a donation and before answering; the donor tries again and it counts once."""
    with system_up(arm_fault) as system:
        victim = min(members(system, "hamm"))
        plan = plan_for(system, kinds=(donation_kind("/api/hamm/donations", tries=8),), rate=20, seconds=120)
        with load_running(plan) as load:
            SystemClock().sleep(2)
            load.mark("killed between write and answer")
            touch_inside(system.pid_of(victim), FAULT_FILE)
            wait_until_replaced(system, "hamm", victim)
            SystemClock().sleep(2)
        report = load.result()
        found = reconcile(report.record.results, open_campaign(system).donations("ledger").read_donations())

        assert not all(result.is_good for result in report.record.results), "nobody met the dying instance"
        assert (found.missing, found.doubled, found.unanswered) == ((), (), ())
        assert found.confirmed == found.sent
