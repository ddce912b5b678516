"""Where each piece of state lies in the catalogue: every key has one kind of writer."""

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
"""Verbs write it, the last orders at once and by check-and-set."""
SITE_TRAFFIC = ROOT + "site-traffic/"
SITE_PREVIEWS = SITE_TRAFFIC + "previews/"
SITE_SPLITS = SITE_TRAFFIC + "splits/"
"""Verbs write both: one key for each host name, one for each site."""
SIGNING_KEYS = ROOT + "keys/signing"
"""Verbs write it, all keys at once and by check-and-set: at most one of them signs."""
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
"""Verbs and the leader's process write it: when the fallback copy was made, and what was in the way."""
COPYING = ROOT + "copying"
"""The leader's process holds it as a lock while it makes the daily copy."""
COLLECTING = ROOT + "collecting"
"""Verbs hold it as a lock while they collect objects."""


def pointer_key(subject: str) -> str:
    """Verbs write it, and the engine when it reverts: always by check-and-set."""
    return f"{POINTERS}{subject}"


def history_key(subject: str, revision: int) -> str:
    """Written once, in the transaction that moves the pointer; zero-padded, so that keys sort by revision."""
    return f"{HISTORY}{subject}/{revision:08d}"


def rollout_key(service: str) -> str:
    """The leader writes it."""
    return f"{ROLLOUTS}{service}"


def assignment_key(node: str, instance: str) -> str:
    """The leader writes it."""
    return f"{ASSIGNMENTS}{node}/{instance}"


def instance_key(node: str, instance: str) -> str:
    """That node's agent writes it."""
    return f"{INSTANCES}{node}/{instance}"


def ack_key(place: str, subject: str) -> str:
    """That place's agent writes it."""
    return f"{ACKS}{place}/{subject}"


def scale_key(service: str) -> str:
    """The autoscaler writes it, or a verb."""
    return f"{SCALE}{service}"


def hold_key(service: str) -> str:
    """Verbs write it: who paused the service's rollouts, and until when."""
    return f"{HOLDS}{service}"


def contract_result_key(release: str) -> str:
    """The verb `contract check` writes it."""
    return f"{CONTRACT_RESULTS}{release}"


def switch_key(name: str) -> str:
    """Verbs write it."""
    return f"{SWITCHES}{name}"


def switch_history_key(name: str, number: int) -> str:
    """Written once, in the transaction that sets the switch; zero-padded, so that keys sort by number."""
    return f"{SWITCH_HISTORY}{name}/{number:08d}"


def list_key(name: str) -> str:
    """Verbs write it: the list's revision and its snapshot's digest. Ingresses watch it, so that it stays small."""
    return f"{LISTS}{name}"


def list_delta_key(name: str, revision: int) -> str:
    """Verbs write it, in the transaction that moves the list's head; zero-padded, so that keys sort by revision."""
    return f"{LIST_DELTAS}{name}/{revision:010d}"


def journal_key(ulid: str) -> str:
    """Every writer writes it, in the transaction that it tells about."""
    return f"{JOURNAL}{ulid}"


def node_key(node: str) -> str:
    """That node's agent writes it and holds it by a session: without one, the node is silent."""
    return f"{NODES}{node}"


def removal_key(node: str) -> str:
    """Verbs write it: an operator's word that the node will not come back."""
    return f"{REMOVALS}{node}"


def bundle_key(ulid: str) -> str:
    """Verbs write it: the intent, and that it shall be undone."""
    return f"{BUNDLES}{ulid}"


def bundle_progress_key(ulid: str) -> str:
    """The leader writes it, in the transaction that moves the pointers."""
    return f"{BUNDLE_PROGRESS}{ulid}"


def samples_key(node: str) -> str:
    """That node's agent writes it: what its gateway saw of canaries and baselines."""
    return f"{SAMPLES}{node}"


def measures_key(node: str) -> str:
    """That node's agent writes it."""
    return f"{MEASURES}{node}"


def permits_key(service: str) -> str:
    """Agents write it as they are asked for `/health-elb`: always by check-and-set."""
    return f"{PERMITS}{service}"


def upload_key(ulid: str) -> str:
    """Verbs hold it as a lock while they publish: what they find in a region must not be collected."""
    return f"{UPLOADS}{ulid}"
