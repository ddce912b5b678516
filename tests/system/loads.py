"""Loads through the ingress of a campaign under test."""

from __future__ import annotations

from handshake.compose.cli import CliParts, compose_cli
from handshake.core.clock import SystemClock
from handshake.drills.load_run import LoadReport
from handshake.drills.plan import LoadPlan, Target
from handshake.drills.requests import RequestKind
from handshake.drills.summary import print_failures, print_lines
from handshake.release.node_paths import load_node
from tests.system.campaign_up import CampaignUnderTest


def plan_load(
    system: CampaignUnderTest, *kinds: RequestKind, rate_per_second: float, seconds: float
) -> LoadPlan:
    """Return a plan that goes through the campaign's ingress."""
    host, _, port = system.ingress.rpartition(":")
    target = Target(host=host, port=int(port))
    return LoadPlan(target=target, kinds=kinds, rate_per_second=rate_per_second, duration_seconds=seconds)


def open_campaign(system: CampaignUnderTest) -> CliParts:
    """Return the parts of the campaign, as verbs put them together."""
    return compose_cli(load_node(system.run / "node.json"), SystemClock())


def explain(report: LoadReport) -> str:
    """Return what a failing test should print."""
    return "\n".join([*print_failures(report), *print_lines(report)])


def members(system: CampaignUnderTest, service: str) -> set[str]:
    """Return the instances that are assigned to a service."""
    rows = system.verb("status")["fleets"]
    own = next(row["instances"] for row in rows if row["service"] == service)
    return {instance["instance"] for instance in own}
