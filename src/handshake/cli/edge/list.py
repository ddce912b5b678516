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
    "add": "edge.ban:ban",
    "remove": "edge.ban:unban",
    "ls": "edge.list_report",
    "history": "edge.lists",
    "undo": "edge.ban",
    "import": "edge.lists:import_",
    "export": "edge.lists",
}


@click.group("list", cls=LazyGroup, verbs=VERBS, modules=_MODULES)
def list_() -> None:
    """Lists of addresses, networks and texts: the wall of banned clients and any other."""
