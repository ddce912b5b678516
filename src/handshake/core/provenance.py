"""Provenance: who made a release, from what. Kept beside the manifest; one release may have several."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.core.digest import Digest
from handshake.core.release import Subject


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """One making of a release."""

    subject: Subject
    release: Digest
    source: str
    """Where the source stood: a repository's address or a folder's name."""
    commit: str
    """The source's commit, with `+changes` where the tree held more; empty outside of version control."""
    builder: str
    """Who ran the build: user and host, or the CI job."""
    made_at: float
    """UTC, seconds since the epoch."""
    materials: dict[str, str] = field(default_factory=dict)
    """What went in besides the source: name -> digest or version."""
