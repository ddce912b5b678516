"""The unprivileged users that instances run as: one per service, without an account."""

from __future__ import annotations

import hashlib

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
