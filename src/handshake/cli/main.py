"""The `handshake` program: every verb, by name."""

from __future__ import annotations

import click

from handshake.cli.lazy import LazyGroup

VERBS = {
    "up": "Start a campaign, or adopt what already runs of it.",
    "down": "Stop a campaign; its data stays.",
    "status": "Show every pointer and the places that have acknowledged it.",
    "bake": "Bake images without publishing them.",
    "publish": "Make a release.",
    "contract": "Run the contract check on an image.",
    "promote": "Move a pointer to a release, and wait until every place serves it.",
    "rollback": "Move a pointer back, and wait until every place serves it.",
    "rollout": "Pause, resume, abort or watch a service's rollout.",
    "scale": "Set the number of instances of a service.",
    "bundle": "Move several pointers together, in stages.",
    "drift": "Compare what runs on this node with the pointers.",
    "history": "Show the history of a pointer: what it named, when, by whom and why.",
    "check": "Report every problem in a campaign's folder.",
    "plan": "Show what a policy would change.",
    "apply": "Make a planned policy live.",
    "ban": "Ban clients: addresses, networks, or the entries of any list.",
    "unban": "Lift a ban.",
    "edge": "Manage switches, lists and cached pages at the edge.",
    "site": "Inspect, preview and split site releases, and publish them from CI.",
    "region": "Print the bucket policy of a region.",
    "copy": "Make and test the fallback copy of selected pages.",
    "collect": "Delete objects that no retained release needs.",
    "init": "Write starter files.",
    "key": "Manage the keys that sign releases.",
    "secret": "Rotate a secret and replace every instance that uses it.",
    "drill": "Run a drill and report pass or fail.",
    "node": "Invite, join, remove and list nodes.",
    "logs": "Print the last lines of a program or an instance.",
    "completion": "Print a shell's completion script.",
    # The processes that `up` starts are hidden: people do not run them.
    "agent": "",
    "control": "",
}
"""The one-line help of each verb, for the program's help; the verb's own help says more."""
_MODULES = {
    "edge": "edge.edge",
    "site": "site.site",
    "down": "up",
    "bake": "publish",
    "ban": "edge.ban",
    "unban": "edge.ban",
    "promote": "pointers",
    "rollback": "pointers",
    "history": "pointers",
    "scale": "rollout",
    "drift": "status",
    "check": "policy",
    "plan": "policy",
    "apply": "policy",
    "collect": "region",
    "key": "secrets",
    "secret": "secrets",
    "agent": "processes",
    "control": "processes",
}


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    modules=_MODULES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="handshake")
def main() -> None:
    """Run a small team's whole web presence on immutable infrastructure."""


if __name__ == "__main__":
    main()
