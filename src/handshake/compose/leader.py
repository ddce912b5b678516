"""The control process: the leader and the dashboard."""

from __future__ import annotations

import os
from collections.abc import Mapping

from starlette.applications import Starlette

from handshake.campaign.settings import CampaignSettings
from handshake.compose.cli import Verbs
from handshake.compose.fallback_copy import Copying
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


class Leading(Verbs, Copying):
    """The parts that one process at a time runs for the whole campaign."""

    def leader(self, leadership: Leadership) -> Leader:
        """Return the leader's cycle."""
        catalog, policies = self.catalog, self.policies

        def campaign_of(pointers: Mapping[Subject, Pointer]) -> CampaignSettings | None:
            policy = policies.in_force(pointers)
            return policy.campaign if policy else None

        runner = StepRunner(catalog, self.pointers, self.clock)
        return Leader(
            catalog=catalog,
            clock=self.clock,
            leadership=leadership,
            scaler=Scaler(catalog),
            fleets=Fleets(catalog, runner, targets=self.targets),
            pointers=self.pointers,
            campaign_of=campaign_of,
        )

    def leader_service(self) -> LeaderService:
        """Return the leader, ready to run."""
        leadership = Leadership(self.catalog, f"control@{self.paths.node} pid {os.getpid()}")
        leader = self.leader(leadership)
        fastly = FastlyCycle(
            is_leading=lambda: leadership.is_held,
            clock=self.clock,
            edge=self.fastly_edge(),
            read_live=self.live,
        )
        return LeaderService(self.catalog, leader.cycle, leader.give_up, lead_fastly=fastly.cycle)

    def dashboard_server(self, app: Starlette) -> ThreadedServer:
        """Return the server of the dashboard."""
        return ThreadedServer(app, self.paths.dashboard)
