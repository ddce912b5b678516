"""`handshake edge replay` and `test`: recorded requests and written test cases, evaluated under a policy."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from handshake.campaign.edge_cases import find_way, try_folder
from handshake.campaign.policy import Policy
from handshake.cli.edge.explain import print_explanation
from handshake.cli.edge.live_data import print_moment
from handshake.cli.edge.policy_context import PolicyContext, find_ground, read_folder
from handshake.cli.screen import (
    DurationType,
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
)
from handshake.config.campaign_head import CASES_FILE
from handshake.core.clock import SystemClock
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.ingress.access_log import LogSource, open_log
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.simulate.access_log import peek_time
from handshake.edge.simulate.cases import CaseTrial
from handshake.edge.simulate.replay import Replay, ReplayReport, ReplaySample, VerdictChange

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
    help="The folder with the policy to compare with. Default: the live one.",
)
@click.option(
    "--samples", default=3, show_default=True, help="How many sample requests to show for each change."
)
@click.option("--since", type=DurationType(), help="How far back to read the log. Default: all of it.")
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
    """Report how many requests in LOG another policy would decide differently from the live one.

    LOG is an access log of the ingress, plain or gzipped, or `-` for standard input. Default: the log of the
    campaign that is up. Both policies are evaluated with the current switches and lists. Nothing is sent.
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
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _prepare(ground: PolicyContext, after: EdgePolicy, samples: int) -> Replay:
    return Replay(ground.edge, ground.live(ground.edge), after, ground.live(after), samples=samples)


def _select(source: LogSource, begin: float) -> Iterable[bytes]:
    if not begin:
        return source.lines
    return (line for line in source.lines if (peek_time(line) or 0.0) >= begin)


def _find_log(ground: PolicyContext) -> str:
    if ground.parts:
        return str(ground.parts.paths.programs / "ingress" / "log")
    problem = Problem(
        check="which-campaign",
        what="no campaign is up on this machine, and no log was named",
        where=Location(file="LOG"),
        hint="Name an access log of the ingress, or `-` for standard input.",
    )
    raise ProblemsError([problem])


def _print(report: ReplayReport) -> None:
    if not report.requests:
        out.print("the log contains no requests")
        return
    out.print(
        f"{report.requests:,} requests from {print_moment(report.since)} to {print_moment(report.until)}:"
        f" {report.same:,} the same, [bold]{report.changed:,} changed[/], {report.unknown:,} unknown"
    )
    _print_changes(report.changes)
    if report.donors:
        out.print(
            f"[bold red]{len(report.donors)} donors[/] are among them: {', '.join(report.donors[:10])}",
            soft_wrap=True,
        )
    for line in _remark(report):
        out.print(line, soft_wrap=True)


def _print_changes(changes: tuple[VerdictChange, ...]) -> None:
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


def _print_sample(sample: ReplaySample) -> str:
    who = f"{sample.client} ({sample.country})"
    return f"{print_moment(sample.time)} {who} {sample.method} {sample.path} → {sample.status}"


def _remark(report: ReplayReport) -> Iterable[str]:
    """Yield the caveats that the numbers alone do not show."""
    for doubt in report.doubts:
        yield f"[yellow]unknown[/] {doubt.requests:,} depend on {escape(doubt.hangs_on)}, which the log does not record"
    for blind in report.blind:
        yield f"[dim]{blind.rule} ({blind.where}) reads {escape(', '.join(blind.reads))}, which the log does not record[/]"
    if report.decided_otherwise:
        yield (
            f"[yellow]{report.decided_otherwise:,} had another outcome at the time[/] than the live policy gives now:"
            " the policy, switches or lists have changed since"
        )
    if report.refused_before:
        yield f"[dim]{report.refused_before:,} were rejected before any rule, under either policy[/]"
    if report.unreadable:
        yield f"[dim]{report.unreadable:,} lines could not be parsed[/]"


# `handshake edge test`: the test cases kept beside a policy.


@dataclass(frozen=True, kw_only=True)
class TestReport:
    """The results of all cases."""

    folder: str
    passed: int
    failed: int
    seconds: float
    trials: tuple[CaseTrial, ...]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@json_option
def test(folder: Path, *, as_json: bool) -> None:
    """Run the cases in FOLDER/edge_tests.toml against the policy in FOLDER; exit status 1 if one fails.

    No campaign needs to be up: each case sets its switches and lists.
    """
    with errors_explained(as_json=as_json):
        clock = SystemClock()
        begun = clock.monotonic()
        policy = read_folder(folder)
        trials = try_folder(folder, policy)
        failed = sum(not trial.has_passed for trial in trials)
        report = TestReport(
            folder=str(folder),
            passed=len(trials) - failed,
            failed=failed,
            seconds=round(clock.monotonic() - begun, 3),
            trials=trials,
        )
        print_report(report, as_json=as_json, for_people=lambda: _print_test(report, policy))
        if failed:
            sys.exit(1)


def _print_test(report: TestReport, policy: Policy) -> None:
    dots = "".join("[green].[/]" if trial.has_passed else "[bold red]F[/]" for trial in report.trials)
    out.print(f"{CASES_FILE} {dots}")
    for trial in report.trials:
        if not trial.has_passed:
            _print_failure(trial, policy)
    failed = f", [bold red]{report.failed} failed[/]" if report.failed else ""
    out.print(f"[green]{report.passed} passed[/]{failed} in {report.seconds:.2f} s")


def _print_failure(trial: CaseTrial, policy: Policy) -> None:
    out.print()
    out.rule(f"[bold red]{escape(trial.name)}[/]", align="left", style="red")
    for its in trial.mismatches:
        out.print(f"[bold]{its.where.file}:{its.where.line}[/] {its.key}", soft_wrap=True)
        out.print(f"  expected {escape(its.expected)}", style="green", soft_wrap=True)
        out.print(f"  found    {escape(its.found)}", style="red", soft_wrap=True)
    goes_on = trial.explanation.goes_on
    way = find_way(policy, goes_on.method, goes_on.path) if goes_on else None
    print_explanation(trial.explanation, way, [], f"case in {trial.where.file}:{trial.where.line}")
    out.print()
