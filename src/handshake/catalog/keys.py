"""Where each piece of state lies in the catalogue: every key has one kind of writer."""

from __future__ import annotations

from handshake.core.ack import Place
from handshake.core.release import Subject

ROOT = "hs/v1/"
POINTERS = ROOT + "pointers/"
HISTORY = ROOT + "history/"
ROLLOUTS = ROOT + "rollouts/"
ASSIGNMENTS = ROOT + "assignments/"
INSTANCES = ROOT + "instances/"
ACKS = ROOT + "acks/"
SCALE = ROOT + "scale/"
SWITCHES = ROOT + "switches/"
LISTS = ROOT + "lists/"
JOURNAL = ROOT + "journal/"
LEADER = ROOT + "leader"


def pointer_key(subject: Subject) -> str:
    """Verbs write it, and the engine when it reverts: always by check-and-set."""
    return f"{POINTERS}{subject}"


def history_key(subject: Subject, revision: int) -> str:
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


def ack_key(place: Place, subject: str) -> str:
    """That place's agent writes it."""
    return f"{ACKS}{place}/{subject}"


def scale_key(service: str) -> str:
    """The autoscaler writes it, or a verb."""
    return f"{SCALE}{service}"


def switch_key(name: str) -> str:
    """Verbs write it."""
    return f"{SWITCHES}{name}"


def list_key(name: str) -> str:
    """Verbs write it: a snapshot's digest, then numbered deltas below it."""
    return f"{LISTS}{name}"


def journal_key(ulid: str) -> str:
    """Every writer writes it, in the transaction that it tells about."""
    return f"{JOURNAL}{ulid}"
