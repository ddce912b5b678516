"""`handshake completion`, and the values that a shell may complete."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import get_completion_class

from handshake.cli.session import open_campaign
from handshake.compose.cli import CliParts
from handshake.core.digest import short
from handshake.core.errors import HandshakeError
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind


def complete_subject(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the campaign's subjects that start with this prefix."""
    return _complete(context, begun, lambda parts: map(str, parts.publisher().subjects()))


def complete_service(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the campaign's services that start with this prefix."""
    return _complete(
        context,
        begun,
        lambda parts: (each.name for each in parts.publisher().subjects() if each.kind is Kind.IMAGE),
    )


def complete_site(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the campaign's sites that start with this prefix."""
    return _complete(
        context,
        begun,
        lambda parts: (each.name for each in parts.publisher().subjects() if each.kind is Kind.SITE),
    )


def complete_release(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the releases in the regions that start with this prefix."""
    return _complete(context, begun, lambda parts: map(short, parts.campaign.releases()))


def complete_program(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the programs and instances on this node that start with this prefix."""
    return _complete(
        context,
        begun,
        lambda parts: (*parts.campaign.supervision.programs(), *parts.campaign.supervision.instances()),
    )


def _complete(context: click.Context, begun: str, words: Callable[[CliParts], Iterable[str]]) -> list[str]:
    """Completion must never print an error: if nothing is up, it offers nothing."""
    try:
        found = words(open_campaign(context.params.get("campaign") or ""))
        return sorted(word for word in found if word.startswith(begun))
    except (HandshakeError, ProblemsError):
        return []


# `handshake completion`: completion for the shell that asks.


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL: `eval "$(handshake completion bash)"`."""
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"click has no completion for {shell}")
    root = context.find_root().command
    click.echo(script(root, {}, "handshake", "_HANDSHAKE_COMPLETE").source())
