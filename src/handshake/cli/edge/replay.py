"""`handshake edge replay`: what a new policy would have done with real requests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.durations import DurationType
from handshake.cli.edge.ground import Ground, find_ground, read_folder
from handshake.cli.edge.options import print_moment
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, progress, show
from handshake.control.log_source import LogSource, open_log
from handshake.core.clock import SystemClock
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.log.record import peek_time
from handshake.edge.policy import Policy
from handshake.edge.replay.replay import Replay
from handshake.edge.replay.report import Change, ReplayReport, Sample

_LINES_A_LOOK = 2000


@click.command("replay")
@click.argument("log", default="")
@click.option(
    "--policy",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder with the new policy.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="The folder with the policy to compare with; absent: the live one.",
)
@click.option("--samples", default=3, show_default=True, help="How many requests to show of each change.")
@click.option("--since", type=DurationType(), help="How far back the log is read; absent: all of it.")
@campaign_option
@json_option
def replay_log(
    log: str,
    *,
    folder: Path,
    against: Path | None,
    samples: int,
    since: float | None,
    campaign: str,
    as_json: bool,
) -> None:
    """Say how many requests of LOG come to something else under another policy than under the live one.

    LOG is an access log of the door, plain or packed with gzip, or `-` for standard input; absent: the log of the
    campaign that is up. Both policies are tried with the switches and lists of now. Nothing is sent.
    """
    with errors_explained(as_json=as_json):
        ground = find_ground(against, campaign)
        replay = _prepare(ground, read_folder(folder).edge, samples)
        begin = SystemClock().now() - since if since else 0.0
        with open_log(log or _find_log(ground)) as source, progress(is_quiet=as_json) as bars:
            task = bars.add_task("replaying", total=source.size)
            for number, line in enumerate(_select(source, begin)):
                replay.add(line)
                if number % _LINES_A_LOOK == 0:
                    bars.update(task, completed=source.position())
        report = replay.report()
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _prepare(ground: Ground, after: Policy, samples: int) -> Replay:
    return Replay(ground.edge, ground.live(ground.edge), after, ground.live(after), samples=samples)


def _select(source: LogSource, begin: float) -> Iterable[bytes]:
    if not begin:
        return source.lines
    return (line for line in source.lines if (peek_time(line) or 0.0) >= begin)


def _find_log(ground: Ground) -> str:
    if ground.wiring:
        return str(ground.wiring.house.programs / "door" / "log")
    problem = Problem(
        check="which-campaign",
        what="no campaign is up on this machine, and no log was named",
        where=Location(file="LOG"),
        hint="Name a log of the door, or `-` for standard input.",
    )
    raise ProblemsError([problem])


def _tell(report: ReplayReport) -> None:
    if not report.requests:
        out.print("the log holds no request")
        return
    out.print(
        f"{report.requests:,} requests from {print_moment(report.since)} to {print_moment(report.until)}:"
        f" {report.same:,} the same, [bold]{report.changed:,} changed[/], {report.unknown:,} unknown"
    )
    _tell_changes(report.changes)
    if report.donors:
        out.print(
            f"[bold red]{len(report.donors)} who have given[/] are among them: {', '.join(report.donors[:10])}",
            soft_wrap=True,
        )
    for line in _remark(report):
        out.print(line, soft_wrap=True)


def _tell_changes(changes: tuple[Change, ...]) -> None:
    if not changes:
        return
    table = Table("requests", "clients", "donors", "live policy", "new policy", box=None)
    for change in changes:
        donors = f"[bold red]{change.donors}[/]" if change.donors else "0"
        numbers = (f"{change.requests:,}", f"{change.clients:,}", donors)
        table.add_row(*numbers, escape(change.before), f"[bold]{escape(change.after)}[/]")
        for sample in change.samples:
            table.add_row("", "", "", f"[dim]{escape(_print_sample(sample))}[/]", "")
    out.print(table)


def _print_sample(sample: Sample) -> str:
    who = f"{sample.client} ({sample.country})"
    return f"{print_moment(sample.time)} {who} {sample.method} {sample.path} → {sample.status}"


def _remark(report: ReplayReport) -> Iterable[str]:
    """Yield what the numbers do not say by themselves."""
    for doubt in report.doubts:
        yield f"[yellow]unknown[/] {doubt.requests:,} hang on {escape(doubt.hangs_on)}, which the log does not hold"
    for blind in report.blind:
        yield f"[dim]{blind.rule} ({blind.where}) reads {escape(', '.join(blind.reads))}, which the log does not hold[/]"
    if report.decided_otherwise:
        yield (
            f"[yellow]{report.decided_otherwise:,} were decided otherwise then[/] than the live policy decides now:"
            " switches, lists or the policy were others"
        )
    if report.refused_before:
        yield f"[dim]{report.refused_before:,} were refused before any rule, by any policy[/]"
    if report.unreadable:
        yield f"[dim]{report.unreadable:,} lines hold no record[/]"
