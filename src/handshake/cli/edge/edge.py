"""`handshake edge`: its verbs, by name. A ban at 3 am does not wait for what the others need."""

from __future__ import annotations

import click

from handshake.cli.lazy import LazyGroup

VERBS = {
    "switch": "Named settings, on or off.",
    "list": "Lists of addresses, networks and texts: the wall and any other.",
    "decoys": "Count decoys, and find donors among the deceived.",
    "explain": "Say which rules a request meets and what becomes of it.",
    "test": "Try the cases that stand beside a policy.",
    "replay": "Say whose verdict another policy would change.",
    "purge": "Take pages out of the cache.",
}
"""Each verb's sentence in the group's help; its own help says more."""
_MODULES = {
    "switch": "edge.switch",
    "list": "edge.list:list_",
    "decoys": "edge.purge",
    "explain": "edge.explain:explain_request",
    "test": "edge.replay",
    "replay": "edge.replay:replay_log",
    "purge": "edge.purge",
}


@click.group(cls=LazyGroup, verbs=VERBS, modules=_MODULES)
def edge() -> None:
    """Switches, lists and pages of the edge, changed without a release; and what its policy does, tried without one."""
