"""Output shared by all verbs: tables and sentences for people, JSON for programs, errors for both."""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from handshake.catalog.codec import encode
from handshake.core.errors import HandshakeError
from handshake.core.problem import ProblemsError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")


class DurationType(click.ParamType[float]):
    """A duration with a unit, in seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        found = _DURATION.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} is not a valid duration: write 90s, 10m, 2h or 7d", param, ctx)
        return float(int(found[1]) * _UNITS[found[2]])


# Output shared by all verbs: tables and sentences for people, JSON for programs, errors for both.

Command = TypeVar("Command", bound=Callable[..., Any])

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def json_option(command: Command) -> Command:
    """Add the option `--json` to a verb."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def campaign_option(command: Command) -> Command:
    """Add the option `--campaign` to a verb."""
    return click.option(
        "--campaign", default="", metavar="NAME", help="The campaign, if several are up on this machine."
    )(command)


def print_report(report: object, *, as_json: bool, for_people: Callable[[], None]) -> None:
    """Print a report in the requested form."""
    if as_json:
        click.echo(encode(report).decode())
    else:
        for_people()


@contextmanager
def progress(*, is_quiet: bool = False) -> Iterator[Progress]:
    """Show progress bars on standard error while the block runs; nothing if it is not a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    hidden = is_quiet or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as bars:
        yield bars


@contextmanager
def errors_explained(*, as_json: bool = False) -> Iterator[None]:
    """Turn expected failures into messages and an exit code: 2 for bad input, 1 for the rest."""
    try:
        yield
    except ProblemsError as error:
        _print_problems(error, as_json=as_json)
        sys.exit(2)
    except HandshakeError as error:
        _print_error(error, as_json=as_json)
        sys.exit(1)


def _print_problems(error: ProblemsError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"problems": [json.loads(encode(problem)) for problem in error.problems]}))
        return
    for problem in error.problems:
        err.print(f"[bold red]{problem.check}[/] {escape(str(problem.where))}", soft_wrap=True)
        err.print(f"  {problem.what}", markup=False, soft_wrap=True)
        err.print(f"  → {problem.hint}", markup=False, style="dim", soft_wrap=True)
    count = len(error.problems)
    err.print(f"{count} problem{'s' if count > 1 else ''}; nothing was changed.")


def _print_error(error: HandshakeError, *, as_json: bool) -> None:
    kind = type(error).__name__.removesuffix("Error").lower()
    if as_json:
        said = {"kind": kind, "what": error.what, "hint": error.hint, "details": error.details}
        click.echo(json.dumps({"error": said}))
        return
    err.print(f"[bold red]{kind}[/] ", end="")
    err.print(error.what, markup=False, soft_wrap=True)
    if error.hint:
        err.print(f"  → {error.hint}", markup=False, style="dim", soft_wrap=True)
    for line in error.details.splitlines()[-20:]:
        err.print(f"  | {line}", markup=False, style="dim", soft_wrap=True)


# The person behind the verb, for the journal.


def who_asks() -> str:
    """Return who ran the verb, for the journal; under sudo, the user who called it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
