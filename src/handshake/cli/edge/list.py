"""`handshake edge list`: its verbs, by name."""

from __future__ import annotations

import click

from handshake.cli.lazy import LazyGroup

VERBS = {
    "add": "Ban each ENTRY: an address, a network or a string.",
    "remove": "Lift the ban on each ENTRY.",
    "ls": "List the entries, newest first.",
    "history": "Show who changed a list, when and why.",
    "undo": "Undo the last change of a list.",
    "import": "Add every entry in FILE to a list.",
    "export": "Print every current entry of a list.",
}
"""The one-line help of each verb, for the group's help; the verb's own help says more."""
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
    """Manage lists of addresses, networks and strings: the wall of banned clients and any other."""
