"""What most verbs start with: the campaign that is up on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from handshake.compose.cli import CliParts, compose_cli
from handshake.core.clock import SystemClock
from handshake.core.digest import Digest, digits, short
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.subject import Subject, parse_subject
from handshake.release.node_paths import find_node


def open_campaign(campaign: str) -> CliParts:
    """Return the parts of a campaign that is up here; raise ProblemsError if there is none."""
    return compose_cli(find_node(campaign), SystemClock())


def read_subject(text: str) -> Subject:
    """Return a verb's argument as a subject; raise ProblemsError if it is not valid."""
    try:
        return parse_subject(text)
    except ValueError as error:
        raise _problem("bad-subject", str(error), text, "For example: site/calls, image/hamm.") from error


def find_release(text: str, known: Sequence[Digest]) -> Digest:
    """Return the release whose id starts with these digits; raise ProblemsError unless there is exactly one."""
    wanted = text.removeprefix("sha256:")
    found = [release for release in known if digits(release).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise _problem(
            "unknown-release",
            f"no release id starts with {wanted}",
            text,
            "`handshake publish` prints the id.",
        )
    names = ", ".join(short(release) for release in found)
    raise _problem(
        "ambiguous-release",
        f"several release ids start with {wanted}",
        text,
        f"Use a longer prefix: {names}.",
    )


def _problem(check: str, what: str, where: str, hint: str) -> ProblemsError:
    return ProblemsError([Problem(check=check, what=what, where=Location(file=where), hint=hint)])
