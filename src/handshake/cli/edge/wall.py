"""`handshake edge list`: its verbs, by name."""

from __future__ import annotations

import click

from handshake.cli.lazy import LazyGroup

VERBS = {
    "add": "Ban each ENTRY: an address, a network or a text.",
    "remove": "Let each ENTRY in again.",
    "ls": "Show what a list holds, the latest first.",
    "history": "Show who changed a list, when and why.",
    "undo": "Take back the last change of a list.",
    "import": "Put everything in FILE on a list.",
    "export": "Print everything that a list holds now.",
}
"""Each verb's sentence in the group's help; its own help says more."""
_MODULES = {
    "add": "edge.ban",
    "remove": "edge.ban",
    "ls": "edge.list_report",
    "history": "edge.lists",
    "undo": "edge.ban",
    "import": "edge.lists:import_",
    "export": "edge.lists",
}


@click.group(cls=LazyGroup, verbs=VERBS, modules=_MODULES)
def wall() -> None:
    """The wall and other lists: of addresses, networks, texts."""
