"""`handshake up` and `down`: start or adopt a campaign on this machine, and stop it."""

from __future__ import annotations

import getpass
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.progress import Progress

from handshake.agent.joining import OBJECTS_SECRET
from handshake.campaign.checks import check_folder, check_ports, require_folder
from handshake.campaign.operator import Opening
from handshake.campaign.settings import CampaignSettings
from handshake.cli.arriving import publish_progress
from handshake.cli.screen import (
    campaign_option,
    err,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
)
from handshake.compose.cli import CliParts, compose_cli
from handshake.compose.publishing import find_missing_programs, find_port_holder
from handshake.config.campaign_head import CAMPAIGN_FILE
from handshake.config.reader import read_settings
from handshake.core.clock import SystemClock
from handshake.core.problem import ProblemsError
from handshake.edge.ingress.country_maps import build_countries, build_networks
from handshake.fleet.load_balancer.balancer import ask_agent
from handshake.release.node_paths import (
    NodePaths,
    check_bucket_keys,
    data_root,
    find_node,
    make_folders,
    require_schema,
    run_root,
    save_node,
    write_schema,
)
from handshake.release.tree import remove_tree


@dataclass(frozen=True, kw_only=True)
class UpReport:
    """What `up` did."""

    campaign: str
    started: tuple[str, ...]
    promoted: tuple[str, ...]
    seconds: float
    ingress: str
    dashboard: str


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@json_option
def up(folder: Path, *, as_json: bool) -> None:
    """Start the campaign in FOLDER, or adopt the parts of it that already run.

    Nothing is started if there is any problem: all problems are reported at once.
    """
    with errors_explained(as_json=as_json):
        report = start_campaign(folder.resolve(), is_quiet=as_json)
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def start_campaign(folder: Path, *, is_quiet: bool) -> UpReport:
    """Start a folder's campaign, or adopt what runs of it; raise ProblemsError before anything is started."""
    clock = SystemClock()
    begun = clock.monotonic()
    parts = compose_cli(_prepare(folder), clock)
    _make_secrets(parts)
    with progress(is_quiet=is_quiet) as bars:
        return _start(parts, bars, begun)


def _prepare(folder: Path) -> NodePaths:
    """Check everything, then write down this campaign's paths."""
    require_folder(folder)
    problems = [*check_folder(folder), *find_missing_programs()]
    if problems:
        raise ProblemsError(problems)
    paths = describe_node(folder)
    require_schema(paths)
    if lost := check_bucket_keys(paths):
        raise ProblemsError(lost)
    if not paths.file.exists():
        if taken := check_ports(folder, find_port_holder):
            raise ProblemsError(taken)
        make_folders(paths)
    write_schema(paths)
    save_node(paths)
    return paths


def describe_node(folder: Path) -> NodePaths:
    """Return the paths of a folder's campaign on this machine, whether or not it is up."""
    campaign = read_settings(CampaignSettings, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE).model
    buckets = {name: its for name, region in campaign.regions.items() if (its := region.as_bucket())}
    return NodePaths(
        name=campaign.name,
        node=campaign.nodes[0],
        folder=folder,
        run=run_root() / campaign.name,
        data=data_root() / campaign.name,
        countries=campaign.countries,
        networks=campaign.networks,
        catalog=campaign.listen.catalog,
        agent=campaign.listen.agent,
        dashboard=campaign.listen.dashboard,
        ingress=campaign.listen.ingress,
        ingress_tls=campaign.tls.listen if campaign.tls else "",
        certificates=campaign.tls.certificates if campaign.tls else "",
        acme=(campaign.tls.acme or "") if campaign.tls else "",
        dogstatsd=campaign.telemetry.dogstatsd,
        regions={
            name: buckets[name].address if name in buckets else its.listen
            for name, its in campaign.regions.items()
        },
        buckets=buckets,
        stores={name: its.listen for name, its in campaign.stores.items()},
        address=campaign.listen.agent.rpartition(":")[0],
    )


def _make_secrets(parts: CliParts) -> None:
    parts.live_data.secrets.ensure_catalog()
    parts.live_data.secrets.ensure(
        ("decoy", "freshness", OBJECTS_SECRET, *(f"store-{name}" for name in parts.paths.stores))
    )
    parts.campaign.make_regions()


def _make_signing_key(parts: CliParts) -> None:
    if not parts.campaign.signing_keys.ring().keys:
        parts.signer.make_first(who=getpass.getuser(), reason="first start")


def _start(parts: CliParts, bars: Progress, begun: float) -> UpReport:
    with _task(bars, "preparing the maps of countries and networks"):
        build_countries(parts.paths, parts.paths.countries)
        build_networks(parts.paths, parts.paths.networks)
    with _task(bars, "starting catalogue, agent and control"):
        started = parts.lifecycle().start(lambda: parts.live_data.catalog, ask_agent)
    _make_signing_key(parts)
    opening = Opening(
        name=parts.paths.name,
        publisher=parts.publisher(),
        pointers=parts.live_data.pointers,
        arrivals=parts.arrivals(),
        who=getpass.getuser(),
    )
    waiting = bars.add_task("", total=None, visible=False)
    arrived = opening.open(
        lambda subject: publish_progress(bars, str(subject)),
        lambda why: bars.update(waiting, description=why, visible=True),
    )
    return UpReport(
        campaign=parts.paths.name,
        started=started,
        promoted=tuple(str(each.pointer.subject) for each in arrived),
        seconds=round(parts.clock.monotonic() - begun, 2),
        ingress=f"http://{parts.paths.ingress}/",
        dashboard=f"http://{parts.paths.dashboard}/",
    )


@contextmanager
def _task(bars: Progress, what: str) -> Iterator[None]:
    task = bars.add_task(what, total=None)
    yield
    bars.remove_task(task)


def _print(report: UpReport) -> None:
    what = "is up" if report.started else "was already up"
    out.print(f"[bold]{report.campaign}[/] {what} ({report.seconds:.1f} s)")
    out.print(f"  visitors    {report.ingress}")
    out.print(f"  dashboard   {report.dashboard}")
    err.print("handshake status shows the state of your state; handshake down stops everything.", style="dim")


# `handshake down`: stops a campaign; its data stays unless it is purged.


@dataclass(frozen=True, kw_only=True)
class DownReport:
    """What `down` stopped."""

    campaign: str
    stopped: tuple[str, ...]
    is_purged: bool


@click.command()
@campaign_option
@click.option("--purge", is_flag=True, help="Also delete the campaign's data: releases, donations, secrets.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation before deleting data.")
@json_option
def down(*, campaign: str, purge: bool, yes: bool, as_json: bool) -> None:
    """Stop a campaign: ingresses first, stores last. Its data is kept unless you pass --purge."""
    with errors_explained(as_json=as_json):
        paths = find_node(campaign, is_any_schema=True)
        if purge and not yes:
            click.confirm(f"Delete all data of {paths.name} in {paths.data}?", abort=True)
        stopped: list[str] = []
        with progress(is_quiet=as_json) as bars:
            task = bars.add_task("stopping", total=None)

            def tell(name: str) -> None:
                stopped.append(name)
                bars.update(task, description=f"stopping {name}")

            compose_cli(paths, SystemClock()).lifecycle().stop(tell)
        shutil.rmtree(paths.run)
        if purge:
            remove_tree(paths.data)
        report = DownReport(campaign=paths.name, stopped=tuple(stopped), is_purged=purge)
        kept = "its data is deleted" if purge else f"its data is kept in {paths.data}"
        print_report(
            report,
            as_json=as_json,
            for_people=lambda: out.print(f"{paths.name} is down ({len(stopped)} stopped); {kept}."),
        )
