"""`handshake node`: the machines of a campaign: invited, joined, removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.table import Table

from handshake.agent.joining import (
    Invitation,
    accept,
    invite,
    lent_secrets,
    read_invitation,
    write_invitation,
)
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report, who_asks
from handshake.cli.session import open_campaign
from handshake.compose.cli import compose_cli
from handshake.compose.publishing import find_missing_programs
from handshake.config.secrets import Secrets
from handshake.core.clock import SystemClock
from handshake.core.problem import ProblemsError
from handshake.fleet.load_balancer.balancer import ask_agent
from handshake.fleet.nodes import Node, explain_node
from handshake.release.node_paths import NodePaths, data_root, make_folders, run_root, save_node


@dataclass(frozen=True, kw_only=True)
class NodesReport:
    """Every node that the policy names."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class NodeReport:
    """What became of one node."""

    node: str
    what: str


@click.group()
def node() -> None:
    """The machines of a campaign: each runs instances, an ingress, a cache and a gateway."""


@node.command("ls")
@campaign_option
@json_option
def list_nodes(*, campaign: str, as_json: bool) -> None:
    """Show every node that the policy names, whether it answers, and how its clock goes."""
    with errors_explained(as_json=as_json):
        report = NodesReport(nodes=open_campaign(campaign).live_data.read_nodes().all)
        print_report(report, as_json=as_json, for_people=lambda: _tell_nodes(report))


@node.command("invite")
@click.argument("name")
@click.option(
    "--to",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, with secrets in it: for its owner alone.",
)
@campaign_option
@json_option
def invite_node(name: str, *, file: Path, campaign: str, as_json: bool) -> None:
    """Write what node NAME needs in order to join, and let it in again if it was removed."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        names = parts.operator(who_asks()).live().policy.campaign.nodes
        parts.node_register.admit(name, names, who=who_asks())
        write_invitation(file, invite(parts.paths, lent_secrets(parts.paths, parts.live_data.secrets), name))
        report = NodeReport(node=name, what=f"is invited: take {file} there, then handshake node join")
        print_report(report, as_json=as_json, for_people=lambda: _tell(report))


@node.command("join")
@click.argument("invitation", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--address", required=True, metavar="IPV4", help="This machine's address, as other nodes reach it."
)
@json_option
def join_node(invitation: Path, *, address: str, as_json: bool) -> None:
    """Make this machine the node that an INVITATION names, or adopt what already runs of it."""
    with errors_explained(as_json=as_json):
        if problems := find_missing_programs():
            raise ProblemsError(problems)
        paths = _settle(read_invitation(invitation), address)
        started = compose_cli(paths, SystemClock()).join(ask_agent)
        what = f"joined {paths.name}" if started else f"had joined {paths.name} already"
        report = NodeReport(node=paths.node, what=f"{what}; its ingress is http://{paths.ingress}/")
        print_report(report, as_json=as_json, for_people=lambda: _tell(report))


@node.command("remove")
@click.argument("name")
@click.option("--reason", required=True, help="Why, for the journal.")
@campaign_option
@json_option
def remove_node(name: str, *, reason: str, campaign: str, as_json: bool) -> None:
    """Say that node NAME will not come back: its instances are replaced elsewhere, and nobody waits for its acks."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        names = parts.operator(who_asks()).live().policy.campaign.nodes
        parts.node_register.remove(name, names, who=who_asks(), reason=reason)
        report = NodeReport(node=name, what="is removed: what it ran is replaced elsewhere")
        print_report(report, as_json=as_json, for_people=lambda: _tell(report))


def _settle(invitation: Invitation, address: str) -> NodePaths:
    """Write down where this node's things lie, and its secrets among them; a second time changes nothing."""
    data = data_root()
    paths = accept(invitation, address=address, folder=data, run=run_root(), data=data)
    make_folders(paths)
    secrets = Secrets(paths.secrets)
    for name, value in invitation.secrets.items():
        secrets.write(name, value)
    save_node(paths)
    return paths


def _tell(report: NodeReport) -> None:
    out.print(f"[bold]{report.node}[/] {report.what}")


def _tell_nodes(report: NodesReport) -> None:
    table = Table("node", "address", "state", "clock", "", box=None)
    for its in report.nodes:
        clock = f"{its.ahead_seconds:+.1f} s" if its.address else ""
        table.add_row(its.name, its.address, its.state, clock, explain_node(its))
    out.print(table)
