"""`handshake node`: invites, joins and removes the machines of a campaign."""

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
from handshake.release.node_paths import (
    NodePaths,
    data_root,
    make_folders,
    require_schema,
    run_root,
    save_node,
    write_schema,
)


@dataclass(frozen=True, kw_only=True)
class NodesReport:
    """Every node that the policy names."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class NodeReport:
    """The result for one node."""

    node: str
    what: str


@click.group()
def node() -> None:
    """Manage the machines of a campaign. Each runs instances, an ingress, a cache and a gateway."""


@node.command("ls")
@campaign_option
@json_option
def list_nodes(*, campaign: str, as_json: bool) -> None:
    """List every node of the policy, whether it answers, and its clock offset."""
    with errors_explained(as_json=as_json):
        report = NodesReport(nodes=open_campaign(campaign).live_data.read_nodes().all)
        print_report(report, as_json=as_json, for_people=lambda: _print_nodes(report))


@node.command("invite")
@click.argument("name")
@click.option(
    "--to",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. It contains secrets: keep it private.",
)
@campaign_option
@json_option
def invite_node(name: str, *, file: Path, campaign: str, as_json: bool) -> None:
    """Write an invitation for node NAME to join with, and readmit the node if it was removed."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        names = parts.operator(who_asks()).live().policy.campaign.nodes
        parts.node_register.admit(name, names, who=who_asks())
        write_invitation(file, invite(parts.paths, lent_secrets(parts.paths, parts.live_data.secrets), name))
        report = NodeReport(
            node=name, what=f"is invited: copy {file} there, then run `handshake node join` there"
        )
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


@node.command("join")
@click.argument("invitation", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--address", required=True, metavar="IPV4", help="This machine's address, as other nodes reach it."
)
@json_option
def join_node(invitation: Path, *, address: str, as_json: bool) -> None:
    """Make this machine the node that INVITATION names, or adopt the parts of it that already run."""
    with errors_explained(as_json=as_json):
        if problems := find_missing_programs():
            raise ProblemsError(problems)
        paths = _settle(read_invitation(invitation), address)
        started = compose_cli(paths, SystemClock()).join(ask_agent)
        what = f"joined {paths.name}" if started else f"had already joined {paths.name}"
        report = NodeReport(node=paths.node, what=f"{what}; its ingress is http://{paths.ingress}/")
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


@node.command("remove")
@click.argument("name")
@click.option("--reason", required=True, help="The reason, for the journal.")
@campaign_option
@json_option
def remove_node(name: str, *, reason: str, campaign: str, as_json: bool) -> None:
    """Remove node NAME for good: its instances are replaced elsewhere, and its acks are no longer waited for."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        names = parts.operator(who_asks()).live().policy.campaign.nodes
        parts.node_register.remove(name, names, who=who_asks(), reason=reason)
        report = NodeReport(node=name, what="is removed: its instances are replaced elsewhere")
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _settle(invitation: Invitation, address: str) -> NodePaths:
    """Write down this node's paths and secrets; running it again changes nothing."""
    data = data_root()
    paths = accept(invitation, address=address, folder=data, run=run_root(), data=data)
    require_schema(paths)
    make_folders(paths)
    write_schema(paths)
    secrets = Secrets(paths.secrets)
    for name, value in invitation.secrets.items():
        secrets.write(name, value)
    save_node(paths)
    return paths


def _print(report: NodeReport) -> None:
    out.print(f"[bold]{report.node}[/] {report.what}")


def _print_nodes(report: NodesReport) -> None:
    table = Table("node", "address", "state", "clock", "", box=None)
    for its in report.nodes:
        clock = f"{its.ahead_seconds:+.1f} s" if its.address else ""
        table.add_row(its.name, its.address, its.state, clock, explain_node(its))
    out.print(table)
