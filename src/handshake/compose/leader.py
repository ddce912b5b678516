"""The control process: the leader, the daily fallback copy, and the reports that the dashboard shows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette

from handshake.campaign.settings import CampaignSettings
from handshake.campaign.status import StatusReport
from handshake.catalog.journal import JournalRecord, read_journal
from handshake.catalog.loop import Loop
from handshake.compose.campaign import CampaignParts, compose_campaign
from handshake.compose.fallback_copy import compose_daily_copy
from handshake.compose.fastly import compose_fastly_edge
from handshake.compose.status import read_campaign_status
from handshake.core.clock import Clock
from handshake.core.subject import Subject
from handshake.drivers.http.server import ThreadedServer
from handshake.edge.fastly.reconcile import FastlyCycle
from handshake.fleet.autoscaler import Scaler
from handshake.fleet.rollouts.cycle import Fleets
from handshake.fleet.rollouts.steps import StepRunner
from handshake.leader.leader import Leader
from handshake.leader.leadership import Leadership
from handshake.leader.service import LeaderService
from handshake.pointers.pointer import Pointer
from handshake.release.node_paths import NodePaths

_COPY_TICK_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class LeaderProcess:
    """The parts that the control process runs; nothing is started yet."""

    leader: LeaderService
    copying: Loop
    read_status: Callable[[], StatusReport]
    read_journal: Callable[[], tuple[JournalRecord, ...]]
    serve_dashboard: Callable[[Starlette], ThreadedServer]
    """Starts the server of the dashboard's application."""


def compose_leader(paths: NodePaths, clock: Clock) -> LeaderProcess:
    """Return the parts of the control process; one such process at a time leads the campaign."""
    campaign = compose_campaign(paths, clock)
    return LeaderProcess(
        leader=_compose_service(campaign),
        copying=Loop("copy", compose_daily_copy(campaign).cycle, tick_seconds=_COPY_TICK_SECONDS),
        read_status=partial(read_campaign_status, campaign),
        read_journal=partial(read_journal, campaign.live_data.catalog),
        serve_dashboard=lambda app: ThreadedServer(app, paths.dashboard),
    )


def compose_leader_cycle(campaign: CampaignParts, leadership: Leadership) -> Leader:
    """Return the leader's cycle, under a lock that it takes and holds."""
    catalog, pointers = campaign.live_data.catalog, campaign.live_data.pointers

    def campaign_of(all_pointers: Mapping[Subject, Pointer]) -> CampaignSettings | None:
        policy = campaign.policies.in_force(all_pointers)
        return policy.campaign if policy else None

    runner = StepRunner(catalog, pointers, campaign.clock)
    return Leader(
        catalog=catalog,
        clock=campaign.clock,
        leadership=leadership,
        scaler=Scaler(catalog),
        fleets=Fleets(catalog, runner, targets=campaign.targets),
        pointers=pointers,
        campaign_of=campaign_of,
    )


def _compose_service(campaign: CampaignParts) -> LeaderService:
    catalog = campaign.live_data.catalog
    leadership = Leadership(catalog, f"control@{campaign.paths.node} pid {os.getpid()}")
    leader = compose_leader_cycle(campaign, leadership)
    fastly = FastlyCycle(
        is_leading=lambda: leadership.is_held,
        clock=campaign.clock,
        edge=compose_fastly_edge(campaign.live_data),
        read_live=campaign.live,
    )
    return LeaderService(catalog, leader.cycle, leader.give_up, lead_fastly=fastly.cycle)
