"""What the service depends on besides the policy: what one container may hold, how many a list gets, where sites are."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_CAPACITY = 1000
"""Entries of one ACL or dictionary, unless Fastly has raised it for the account."""
HIGHEST_CAPACITY = 10_000
"""No account gets more."""


@dataclass(frozen=True, kw_only=True)
class FastlySurroundings:
    """The account's limits, how the house uses them, and what only the door can route."""

    capacity: int = DEFAULT_CAPACITY
    """Entries of one container."""
    shards: int = 1
    """Containers of one list."""
    mounts: tuple[str, ...] = ()
    """The paths at which sites live."""
