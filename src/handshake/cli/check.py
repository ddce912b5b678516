"""`handshake check`: everything wrong with what an operator wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from handshake.cli.screen import errors_explained, json_option, out, show
from handshake.control.preflight import check_folder, require_folder
from handshake.core.problem import ProblemsError


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """A folder without problems."""

    folder: str
    problems: tuple[str, ...] = ()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@json_option
def check(folder: Path, *, as_json: bool) -> None:
    """Report every problem of the campaign in FOLDER, with file, line and what to do. Changes nothing."""
    with errors_explained(as_json=as_json):
        require_folder(folder)
        problems = check_folder(folder)
        if problems:
            raise ProblemsError(problems)
        report = CheckReport(folder=str(folder))
        show(report, as_json=as_json, for_people=lambda: out.print(f"{folder}: no problems"))
