"""What a shell may complete: the subjects, services and releases of the campaign that is up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from handshake.cli.session import open_wiring
from handshake.core.digest import short
from handshake.core.errors import HandshakeError
from handshake.core.problem import ProblemsError
from handshake.core.release import Kind
from handshake.wiring.campaign import Wiring


def complete_subject(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the subjects of the campaign that begin so."""
    return _complete(context, begun, lambda wiring: map(str, wiring.publisher().subjects()))


def complete_service(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the services of the campaign that begin so."""
    return _complete(
        context,
        begun,
        lambda wiring: (each.name for each in wiring.publisher().subjects() if each.kind is Kind.IMAGE),
    )


def complete_site(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the sites of the campaign that begin so."""
    return _complete(
        context,
        begun,
        lambda wiring: (each.name for each in wiring.publisher().subjects() if each.kind is Kind.SITE),
    )


def complete_release(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the releases in the regions that begin so."""
    return _complete(context, begun, lambda wiring: map(short, wiring.releases()))


def complete_program(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the programs and instances on this node that begin so."""
    return _complete(
        context, begun, lambda wiring: (*wiring.supervision.programs(), *wiring.supervision.instances())
    )


def _complete(context: click.Context, begun: str, words: Callable[[Wiring], Iterable[str]]) -> list[str]:
    """A shell that completes must never print an error: where nothing is up, nothing is offered."""
    try:
        found = words(open_wiring(context.params.get("campaign") or ""))
        return sorted(word for word in found if word.startswith(begun))
    except (HandshakeError, ProblemsError):
        return []
