"""The `handshake` program: every verb, by name."""

from __future__ import annotations

import click

from handshake.cli.lazy import LazyGroup

VERBS = {
    "up": "Start a campaign, or adopt what already runs of it.",
    "down": "Stop a campaign; its data stays.",
    "status": "Show every pointer and who has acknowledged it.",
    "bake": "Bake images, and say what they are.",
    "publish": "Make a release.",
    "contract": "Put an image through the contract check.",
    "promote": "Move a pointer to a release, and wait until it is served.",
    "rollback": "Move a pointer back, and wait until it is served.",
    "rollout": "Pause, resume, abort or watch a service's rollout.",
    "scale": "Say how many instances a service has.",
    "bundle": "Move several pointers as one intent.",
    "drift": "Compare what runs on this node with the pointers.",
    "history": "Show what a pointer named: when, by whom, why.",
    "check": "Report every problem of a campaign's folder.",
    "plan": "Print what a policy would change.",
    "apply": "Make a policy live as it was planned.",
    "ban": "Ban clients: addresses, networks, or the texts of any list.",
    "unban": "Let clients in again.",
    "edge": "Switches, lists and pages of the edge.",
    "site": "Look at the releases of sites, and let others publish them.",
    "region": "Print the policy of a region that is a bucket.",
    "copy": "Make and prove the fallback copy of chosen pages.",
    "collect": "Take away what no kept release needs.",
    "init": "Write the files that something new begins with.",
    "key": "Keys that sign releases.",
    "secret": "Replace a secret, and every instance that is given it.",
    "drill": "Rehearse with a pass or fail report.",
    "node": "Invite, join, remove and list machines.",
    "logs": "Print the last lines of a program or an instance.",
    "completion": "Print a shell's completion script.",
    # What `up` starts is no verb for people.
    "agent": "",
    "control": "",
}
"""Each verb's sentence in the program's help; its own help says more."""
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
