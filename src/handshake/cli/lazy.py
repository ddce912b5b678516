"""A group of verbs that imports each verb only when it is called, so that one verb does not load all the others."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click


class LazyGroup(click.Group):
    """Verbs by name, each with its one-line help for the group; hidden ones have none."""

    def __init__(self, *, verbs: Mapping[str, str], modules: Mapping[str, str], **attributes: object) -> None:
        """`modules` names the modules of verbs that are not in a module of `handshake.cli` with their name.

        After a colon comes the verb's name in its module, if it differs.
        """
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own
        self.sentences = verbs
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click gives it
        """Return every verb's name, in the order of the help."""
        return list(self.sentences)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click gives it
        """Return a verb, imported now; None if there is no verb of this name."""
        if cmd_name not in self.sentences:
            return None
        path, _, name = self._modules.get(cmd_name, cmd_name).partition(":")
        module = importlib.import_module(f"handshake.cli.{path}")
        command: click.Command = getattr(module, name or cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click gives it
        """Print the verbs with their one-line help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, sentence in self.sentences.items() if sentence])
