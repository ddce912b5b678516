"""Provenance: who made a release, from what. Stored beside the manifest; one release may have several.

Printed as an in-toto Statement v1 whose predicate is SLSA's provenance v1, so that other tools can read it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from handshake.core.digest import Digest, canonical_json, digits, parse_digest
from handshake.core.subject import Subject, parse_subject

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:handshake:publish:v1"
_BUILDER = "urn:handshake:builder:"
_CHANGES = "+changes"


@dataclass(frozen=True, kw_only=True, order=True)
class Material:
    """One input of a release besides its source."""

    uri: str
    """Its name: a lock file's name, `handshake:base`, a package's purl."""
    digest: Digest | None = None
    """Of its content; None if only its name is known, as for the machine's own interpreter."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """One making of a release."""

    subject: Subject
    release: Digest
    source: str
    """The source's location: a repository's URL or a folder's name."""
    commit: str
    """The source's commit, with `+changes` if the tree had uncommitted changes; empty outside of version control."""
    builder: str
    """Who ran the build: user and host, or the CI job."""
    made_at: float
    """UTC, seconds since the epoch; printed to the microsecond."""
    materials: tuple[Material, ...] = ()
    """The inputs besides the source: lock files, the base, the interpreter."""


def print_provenance(provenance: Provenance) -> bytes:
    """Return the statement as canonical JSON; its digest is the provenance's id."""
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": str(provenance.subject), "digest": {"sha256": digits(provenance.release)}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {
                        "subject": str(provenance.subject),
                        "source": provenance.source,
                    },
                    "resolvedDependencies": [
                        _print_source(provenance),
                        *map(_print_material, provenance.materials),
                    ],
                },
                "runDetails": {
                    "builder": {"id": _BUILDER + provenance.builder},
                    "metadata": {"finishedOn": _print_moment(provenance.made_at)},
                },
            },
        }
    )


def parse_provenance(text: bytes) -> Provenance:
    """Return the provenance that `print_provenance` wrote; ValueError for anything else."""
    try:
        return _parse(json.loads(text))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"not a valid provenance: {error}") from error


def _parse(statement: Any) -> Provenance:
    if (statement["_type"], statement["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise ValueError(f"not a valid provenance: {statement['_type']} of {statement['predicateType']}")
    (made,) = statement["subject"]
    definition, run = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    source, *materials = definition["resolvedDependencies"]
    return Provenance(
        subject=parse_subject(made["name"]),
        release=parse_digest(f"sha256:{made['digest']['sha256']}"),
        source=source["uri"],
        commit=_parse_commit(source),
        builder=run["builder"]["id"].removeprefix(_BUILDER),
        made_at=datetime.fromisoformat(run["metadata"]["finishedOn"]).timestamp(),
        materials=tuple(map(_parse_material, materials)),
    )


def _print_source(provenance: Provenance) -> dict[str, object]:
    printed: dict[str, object] = {"name": "source", "uri": provenance.source}
    if commit := provenance.commit.removesuffix(_CHANGES):
        printed["digest"] = {"gitCommit": commit}
    if provenance.commit.endswith(_CHANGES):
        printed["annotations"] = {"changed": True}
    return printed


def _parse_commit(source: Any) -> str:
    commit: str = source.get("digest", {}).get("gitCommit", "")
    return commit + (_CHANGES if source.get("annotations", {}).get("changed") else "")


def _print_material(material: Material) -> dict[str, object]:
    digest = {"digest": {"sha256": digits(material.digest)}} if material.digest else {}
    return {"uri": material.uri, **digest}


def _parse_material(printed: Any) -> Material:
    digest = printed.get("digest")
    return Material(uri=printed["uri"], digest=parse_digest(f"sha256:{digest['sha256']}") if digest else None)


def _print_moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
