"""`handshake edge`: its verbs, by name. Verbs are imported lazily, so that a ban does not wait for the others."""

from __future__ import annotations

import click

from handshake.cli.lazy import LazyGroup

VERBS = {
    "switch": "Manage switches: named settings that are on or off.",
    "list": "Manage lists of addresses, networks and strings, such as the wall.",
    "decoys": "Count decoys, and find donors who received one.",
    "explain": "Explain which rules match a request and what happens to it.",
    "test": "Run the test cases kept beside a policy.",
    "replay": "Replay logged requests under another policy and show what changes.",
    "purge": "Purge pages from the caches.",
}
"""The one-line help of each verb, for the group's help; the verb's own help says more."""
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
    """Manage switches, lists and cached pages without a release, and try policies without making them live."""
