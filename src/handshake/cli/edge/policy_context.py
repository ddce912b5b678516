"""The context of the simulator's verbs: a policy, the campaign that is up, and the arguments that describe requests."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import click

from handshake.campaign.checks import require_folder
from handshake.campaign.policy import Policy, read_policy
from handshake.cli.session import open_campaign
from handshake.compose.cli import CliParts
from handshake.core.errors import HandshakeError
from handshake.core.problem import ProblemsError
from handshake.edge.ingress.compile.maps import COUNTRIES, NETWORKS
from handshake.edge.ingress.country_maps import look_up
from handshake.edge.lists.live_data import LiveEdge, begin_with
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import LiveData, Request
from handshake.release.node_paths import run_root


@dataclass(frozen=True, kw_only=True)
class PolicyContext:
    """A policy, and the source of switches, lists and countries."""

    policy: Policy
    parts: CliParts | None
    """None if no campaign is up."""

    @property
    def edge(self) -> EdgePolicy:
        """The policy of the edge."""
        return self.policy.edge

    @property
    def source(self) -> str:
        """Describe where switches and lists come from."""
        return f"campaign {self.parts.paths.name}" if self.parts else "the policy's defaults"

    def live_around(self, request: Request) -> LiveData:
        """Return the switches, and the list entries that may concern a request."""
        return self._live_edge.around(self.edge, request) if self.parts else begin_with(self.edge)

    def live(self, policy: EdgePolicy) -> LiveData:
        """Return all switches and lists that a policy declares."""
        return self._live_edge.whole(policy) if self.parts else begin_with(policy)

    def find_country(self, client: str) -> str:
        """Return a client's country as the ingress knows it; empty if unknown."""
        return self._look_up(COUNTRIES, client)

    def find_network(self, client: str) -> int:
        """Return the AS number of a client's network as the ingress knows it; 0 if unknown."""
        found = self._look_up(NETWORKS, client)
        return int(found) if found.isdigit() else 0

    @property
    def _live_edge(self) -> LiveEdge:
        assert self.parts  # noqa: S101 -- asked only where a campaign is up
        live_data = self.parts.live_data
        return LiveEdge(switches=live_data.switches, lists=live_data.lists, clock=live_data.clock)

    def _look_up(self, name: str, client: str) -> str:
        return look_up(self.parts.paths.state("ingress") / "maps" / name, client) if self.parts else ""


def find_ground(folder: Path | None, campaign: str) -> PolicyContext:
    """Return a folder's policy, or the live one, or that of the current folder; and the campaign that is up."""
    parts = open_campaign(campaign) if campaign or any(run_root().glob("*/node.json")) else None
    if folder is None and parts:
        return PolicyContext(policy=parts.campaign.require_live().policy, parts=parts)
    return PolicyContext(policy=read_folder(folder or Path()), parts=parts)


def read_folder(folder: Path) -> Policy:
    """Return a folder's policy; raise ProblemsError with everything wrong with it."""
    require_folder(folder)
    return read_policy(folder)


def complete_rule(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of the policy's rules that start with this prefix."""
    policy = _find_quietly(context)
    return [rule.name for rule in policy.rules if rule.name.startswith(begun)] if policy else []


def complete_switch(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the switches that start with this prefix, each with both values."""
    policy = _find_quietly(context)
    words = (f"{its.name}={value}" for its in (policy.switches if policy else ()) for value in ("on", "off"))
    return [word for word in words if word.startswith(begun)]


def _find_quietly(context: click.Context) -> EdgePolicy | None:
    """Completion must never print an error: without a policy, it offers nothing."""
    try:
        return find_ground(context.params.get("folder"), context.params.get("campaign") or "").edge
    except (HandshakeError, ProblemsError):
        return None


# Arguments that several verbs of the edge read: addresses, and pairs of a name and a value.


class AddressType(click.ParamType[str]):
    """An IP address, in its canonical form."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address."""
        try:
            return str(ipaddress.ip_address(str(value)))
        except ValueError:
            self.fail(f"{value!r} is not a valid address: write 203.0.113.7 or 2001:db8::7", param, ctx)


class PairType(click.ParamType[tuple[str, str]]):
    """A name and a value with a separator between them."""

    name = "pair"

    def __init__(self, sign: str) -> None:
        self._sign = sign

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return name and value, stripped of blanks."""
        if isinstance(value, tuple):
            return value
        name, sign, its = str(value).partition(self._sign)
        if not sign or not name.strip():
            self.fail(f"{value!r} is not of the form NAME{self._sign}VALUE", param, ctx)
        return name.strip(), its.strip()
