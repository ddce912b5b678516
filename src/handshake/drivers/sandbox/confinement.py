"""How programs can be confined on this machine, and the unprivileged users that instances run as."""

from __future__ import annotations

import hashlib
import os
from enum import StrEnum

from handshake.core.errors import UnavailableError
from handshake.drivers.process.command import run_command

_PROBE = ("bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true")
_PROBE_TIMEOUT_SECONDS = 10


class Confinement(StrEnum):
    """Who becomes unprivileged, and when. Outside of the sandbox no instance is ever uid 0."""

    PERSON = "person"
    """Started by a person: bubblewrap works with their rights, in a user namespace."""
    DROPPED = "dropped"
    """Started by root: root becomes the service's user first; bubblewrap works in a user namespace."""
    ROOT = "root"
    """Started by root where user namespaces are forbidden: the sandbox is built by root, entered as the user."""


def drop_to(uid: int) -> tuple[str, ...]:
    """Return what precedes a command so that root becomes a user without rights, for good."""
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", "--")


def find_confinement() -> Confinement:
    """Return the strictest confinement that works on this machine, by trying.

    Raises UnavailableError where a person may not make user namespaces, or bubblewrap is missing.
    """
    is_root = os.geteuid() == 0
    try:
        run_command(
            (*drop_to(FIRST_UID), *_PROBE) if is_root else _PROBE, timeout_seconds=_PROBE_TIMEOUT_SECONDS
        )
    except UnavailableError as error:
        if is_root:
            return Confinement.ROOT
        raise UnavailableError(
            "instances cannot be confined: bubblewrap cannot make a user namespace",
            hint="sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0"
            " (each where it exists), or run handshake as root",
            details=error.details,
        ) from error
    return Confinement.DROPPED if is_root else Confinement.PERSON


# The unprivileged users that instances run as: one per service, without an account.

FIRST_UID = 50_000
LAST_UID = 59_999
"""Above every account that Debian makes by itself, below 65536, so that it exists in a container too."""


def uid_for(service: str) -> int:
    """Return the uid, and gid, of a service's instances where root starts them.

    It follows from the name alone, so every agent knows it at any time. Two services may share one (of ten
    services, once in 200 campaigns); their sandboxes then keep them apart, as one service's instances.
    """
    number = int.from_bytes(hashlib.sha256(service.encode()).digest()[:8])
    return FIRST_UID + number % (LAST_UID - FIRST_UID + 1)
