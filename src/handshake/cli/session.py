"""What most verbs begin with: the campaign that is up here."""

from __future__ import annotations

from collections.abc import Sequence

from handshake.compose.cli import CliParts, compose_cli
from handshake.core.clock import SystemClock
from handshake.core.digest import Digest, digits, short
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.subject import Subject, parse_subject
from handshake.release.node_paths import find_node


def open_campaign(campaign: str) -> CliParts:
    """Return the parts of a campaign that is up here; ProblemsError where there is none."""
    return compose_cli(find_node(campaign), SystemClock())


def read_subject(text: str) -> Subject:
    """Return a verb's argument as a subject; ProblemsError says what is wrong with it."""
    try:
        return parse_subject(text)
    except ValueError as error:
        raise _problem("bad-subject", str(error), text, "For example: site/calls, image/hamm.") from error


def find_release(text: str, known: Sequence[Digest]) -> Digest:
    """Return the release whose id begins with these digits; ProblemsError where none or several do."""
    wanted = text.removeprefix("sha256:")
    found = [release for release in known if digits(release).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise _problem(
            "unknown-release", f"no release begins with {wanted}", text, "`handshake publish` prints the id."
        )
    names = ", ".join(short(release) for release in found)
    raise _problem(
        "ambiguous-release", f"several releases begin with {wanted}", text, f"Write more: {names}."
    )


def _problem(check: str, what: str, where: str, hint: str) -> ProblemsError:
    return ProblemsError([Problem(check=check, what=what, where=Location(file=where), hint=hint)])
