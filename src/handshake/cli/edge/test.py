"""`handshake edge test`: the cases that stand beside a policy."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.markup import escape

from handshake.cli.edge.explaining import tell_explanation
from handshake.cli.edge.ground import read_folder
from handshake.cli.screen import errors_explained, json_option, out, show
from handshake.control.edge_cases import try_folder
from handshake.control.edge_ways import find_way
from handshake.control.policy import Policy
from handshake.control.policy_files import CASES_FILE
from handshake.edge.trial import Trial


@dataclass(frozen=True, kw_only=True)
class TestReport:
    """What came of all cases."""

    folder: str
    passed: int
    failed: int
    seconds: float
    trials: tuple[Trial, ...]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@json_option
def test(folder: Path, *, as_json: bool) -> None:
    """Try the cases in FOLDER/edge_tests.toml against the policy in FOLDER; exit status 1 where one fails.

    No campaign need be up: switches and lists are what each case says.
    """
    with errors_explained(as_json=as_json):
        begun = time.monotonic()
        policy = read_folder(folder)
        trials = try_folder(folder, policy)
        failed = sum(not trial.has_passed for trial in trials)
        report = TestReport(
            folder=str(folder),
            passed=len(trials) - failed,
            failed=failed,
            seconds=round(time.monotonic() - begun, 3),
            trials=trials,
        )
        show(report, as_json=as_json, for_people=lambda: _tell(report, policy))
        if failed:
            sys.exit(1)


def _tell(report: TestReport, policy: Policy) -> None:
    dots = "".join("[green].[/]" if trial.has_passed else "[bold red]F[/]" for trial in report.trials)
    out.print(f"{CASES_FILE} {dots}")
    for trial in report.trials:
        if not trial.has_passed:
            _tell_failure(trial, policy)
    failed = f", [bold red]{report.failed} failed[/]" if report.failed else ""
    out.print(f"[green]{report.passed} passed[/]{failed} in {report.seconds:.2f} s")


def _tell_failure(trial: Trial, policy: Policy) -> None:
    out.print()
    out.rule(f"[bold red]{escape(trial.name)}[/]", align="left", style="red")
    for its in trial.mismatches:
        out.print(f"[bold]{its.where.file}:{its.where.line}[/] {its.key}", soft_wrap=True)
        out.print(f"  expected {escape(its.expected)}", style="green", soft_wrap=True)
        out.print(f"  found    {escape(its.found)}", style="red", soft_wrap=True)
    goes_on = trial.explanation.goes_on
    way = find_way(policy, goes_on.method, goes_on.path) if goes_on else None
    tell_explanation(trial.explanation, way, [], f"case in {trial.where.file}:{trial.where.line}")
    out.print()
