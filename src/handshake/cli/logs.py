"""`handshake logs`: the output of programs and instances."""

from __future__ import annotations

from dataclasses import dataclass

import click

from handshake.cli.completion import complete_program
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report
from handshake.cli.session import open_campaign
from handshake.core.problem import Location, Problem, ProblemsError


@dataclass(frozen=True, kw_only=True)
class LogReport:
    """The last lines of each requested program."""

    lines: dict[str, tuple[str, ...]]


@click.command()
@click.argument("name", default="", shell_complete=complete_program)
@click.option("-n", "count", default=20, show_default=True, help="How many lines of each log to print.")
@campaign_option
@json_option
def logs(name: str, *, count: int, campaign: str, as_json: bool) -> None:
    """Print the last lines of NAME: a program (ingress, agent), an instance, or all instances of a service."""
    with errors_explained(as_json=as_json):
        supervision = open_campaign(campaign).campaign.supervision
        known = (*supervision.programs(), *supervision.instances())
        chosen = [each for each in known if name in {each, each.rpartition("-")[0]}]
        if not chosen:
            raise _unknown(name, known)
        report = LogReport(lines={each: supervision.log_tail(each, count) for each in chosen})
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _unknown(name: str, known: tuple[str, ...]) -> ProblemsError:
    what = f"there is no program or instance named {name}" if name else "no program or instance was named"
    hint = f"There is: {', '.join(known)}."
    return ProblemsError(
        [Problem(check="unknown-program", what=what, where=Location(file="logs"), hint=hint)]
    )


def _print(report: LogReport) -> None:
    for name, lines in report.lines.items():
        for line in lines:
            out.print(f"[bold]{name}[/] | ", end="")
            out.print(line, markup=False, soft_wrap=True)
