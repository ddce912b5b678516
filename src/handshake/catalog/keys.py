"""The keys of all state in the catalogue; each key has one kind of writer."""

from __future__ import annotations

ROOT = "hs/v1/"
POINTERS = ROOT + "pointers/"
HISTORY = ROOT + "history/"
ROLLOUTS = ROOT + "rollouts/"
ASSIGNMENTS = ROOT + "assignments/"
INSTANCES = ROOT + "instances/"
ACKS = ROOT + "acks/"
SCALE = ROOT + "scale/"
HOLDS = ROOT + "holds/"
CONTRACT_RESULTS = ROOT + "contract-results/"
SWITCHES = ROOT + "switches/"
SWITCH_HISTORY = ROOT + "switch-history/"
LISTS = ROOT + "lists/"
LIST_DELTAS = ROOT + "list-deltas/"
PURGES = ROOT + "purges"
"""Written by verbs, the most recent orders together and by check-and-set."""
SITE_TRAFFIC = ROOT + "site-traffic/"
SITE_PREVIEWS = SITE_TRAFFIC + "previews/"
SITE_SPLITS = SITE_TRAFFIC + "splits/"
"""Both written by verbs: one key for each host name, one for each site."""
SIGNING_KEYS = ROOT + "keys/signing"
"""Written by verbs, all keys together and by check-and-set: at most one of them signs."""
JOURNAL = ROOT + "journal/"
LEADER = ROOT + "leader"
NODES = ROOT + "nodes/"
REMOVALS = ROOT + "removals/"
BUNDLES = ROOT + "bundles/"
BUNDLE_PROGRESS = ROOT + "bundle-progress/"
SAMPLES = ROOT + "samples/"
MEASURES = ROOT + "measures/"
PERMITS = ROOT + "permits/"
UPLOADS = ROOT + "uploads/"
COPY = ROOT + "copy"
"""Written by verbs and the leader's process: when the fallback copy was made, and what failed."""
COPYING = ROOT + "copying"
"""Held as a lock by the leader's process while it makes the daily copy."""
COLLECTING = ROOT + "collecting"
"""Held as a lock by verbs while they collect objects."""


def pointer_key(subject: str) -> str:
    """Written by verbs, and by the engine when it reverts: always by check-and-set."""
    return f"{POINTERS}{subject}"


def history_key(subject: str, revision: int) -> str:
    """Written once, in the transaction that moves the pointer; zero-padded, so that keys sort by revision."""
    return f"{HISTORY}{subject}/{revision:08d}"


def rollout_key(service: str) -> str:
    """Written by the leader."""
    return f"{ROLLOUTS}{service}"


def assignment_key(node: str, instance: str) -> str:
    """Written by the leader."""
    return f"{ASSIGNMENTS}{node}/{instance}"


def instance_key(node: str, instance: str) -> str:
    """Written by that node's agent."""
    return f"{INSTANCES}{node}/{instance}"


def ack_key(place: str, subject: str) -> str:
    """Written by that place's agent."""
    return f"{ACKS}{place}/{subject}"


def scale_key(service: str) -> str:
    """Written by the autoscaler or a verb."""
    return f"{SCALE}{service}"


def hold_key(service: str) -> str:
    """Written by verbs: who paused the service's rollouts, and until when."""
    return f"{HOLDS}{service}"


def contract_result_key(release: str) -> str:
    """Written by the verb `contract check`."""
    return f"{CONTRACT_RESULTS}{release}"


def switch_key(name: str) -> str:
    """Written by verbs."""
    return f"{SWITCHES}{name}"


def switch_history_key(name: str, number: int) -> str:
    """Written once, in the transaction that sets the switch; zero-padded, so that keys sort by number."""
    return f"{SWITCH_HISTORY}{name}/{number:08d}"


def list_key(name: str) -> str:
    """Written by verbs: the list's revision and its snapshot's digest. Ingresses watch it, so it stays small."""
    return f"{LISTS}{name}"


def list_delta_key(name: str, revision: int) -> str:
    """Written by verbs, in the transaction that moves the list's head; zero-padded, so that keys sort by revision."""
    return f"{LIST_DELTAS}{name}/{revision:010d}"


def journal_key(ulid: str) -> str:
    """Written by every writer, in the transaction that it describes."""
    return f"{JOURNAL}{ulid}"


def node_key(node: str) -> str:
    """Written by that node's agent and held by a session: without one, the node is silent."""
    return f"{NODES}{node}"


def removal_key(node: str) -> str:
    """Written by verbs: the operator's decision that the node will not come back."""
    return f"{REMOVALS}{node}"


def bundle_key(ulid: str) -> str:
    """Written by verbs: the intent, and whether to undo it."""
    return f"{BUNDLES}{ulid}"


def bundle_progress_key(ulid: str) -> str:
    """Written by the leader, in the transaction that moves the pointers."""
    return f"{BUNDLE_PROGRESS}{ulid}"


def samples_key(node: str) -> str:
    """Written by that node's agent: its gateway's metrics of canaries and baselines."""
    return f"{SAMPLES}{node}"


def measures_key(node: str) -> str:
    """Written by that node's agent."""
    return f"{MEASURES}{node}"


def permits_key(service: str) -> str:
    """Written by agents when they are asked for `/health-elb`: always by check-and-set."""
    return f"{PERMITS}{service}"


def upload_key(ulid: str) -> str:
    """Held as a lock by verbs while they publish: objects that they find in a region must not be collected."""
    return f"{UPLOADS}{ulid}"
