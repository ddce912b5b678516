"""The two phases of the edge policy."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a rule is decided."""

    ADMIT = "admit"
    """At the door: who is this, and may they in?"""
    SERVE = "serve"
    """At the cache: what do they get?"""
