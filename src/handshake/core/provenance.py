"""Provenance: who made a release, from what. Kept beside the manifest; one release may have several."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from handshake.core.digest import Digest, canonical_json, parse_digest
from handshake.core.release import Subject, parse_subject


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


def print_provenance(provenance: Provenance) -> bytes:
    """Return the provenance's canonical JSON; its digest is the provenance's id."""
    return canonical_json(asdict(provenance) | {"subject": str(provenance.subject)})


def parse_provenance(text: bytes) -> Provenance:
    """Return the provenance that `print_provenance` wrote; ValueError for anything else."""
    try:
        value = json.loads(text)
        subject, release = parse_subject(value.pop("subject")), parse_digest(value.pop("release"))
        return Provenance(subject=subject, release=release, **value)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"this is no provenance: {error}") from error
