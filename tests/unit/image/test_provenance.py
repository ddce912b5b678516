"""Provenance as others read it: in-toto's Statement v1 around SLSA's provenance v1."""

from __future__ import annotations

import json

import pytest

from handshake.core.digest import digest_bytes, digits
from handshake.core.subject import Kind, Subject
from handshake.release.provenance import Material, Provenance, parse_provenance, print_provenance

RELEASE, LOCK = digest_bytes(b"release"), digest_bytes(b"lock")


def made(commit: str = "0f" * 20, at: float = 1_800_000_000.25) -> Provenance:
    """Return a provenance of an image."""
    return Provenance(
        subject=Subject(kind=Kind.IMAGE, name="hamm"),
        release=RELEASE,
        source="services/hamm",
        commit=commit,
        builder="adam@paradise",
        made_at=at,
        materials=(Material(uri="requirements.txt", digest=LOCK), Material(uri="handshake:base/host")),
    )


def test_a_provenance_is_an_intoto_statement_with_a_slsa_predicate() -> None:
    """Every field stands where the two specifications want it."""
    assert json.loads(print_provenance(made())) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "image/hamm", "digest": {"sha256": digits(RELEASE)}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:handshake:publish:v1",
                "externalParameters": {"subject": "image/hamm", "source": "services/hamm"},
                "resolvedDependencies": [
                    {"name": "source", "uri": "services/hamm", "digest": {"gitCommit": "0f" * 20}},
                    {"uri": "requirements.txt", "digest": {"sha256": digits(LOCK)}},
                    {"uri": "handshake:base/host"},
                ],
            },
            "runDetails": {
                "builder": {"id": "urn:handshake:builder:adam@paradise"},
                "metadata": {"finishedOn": "2027-01-15T08:00:00.250000Z"},
            },
        },
    }


@pytest.mark.parametrize("commit", ["0f" * 20, "0f" * 20 + "+changes", ""])
def test_a_printed_provenance_is_parsed_to_the_same(commit: str) -> None:
    """Nothing is lost in print, whether the source was committed, changed or under no version control."""
    assert parse_provenance(print_provenance(made(commit))) == made(commit)


@pytest.mark.parametrize("text", [b"[]", b"{}", b"null", b'{"_type": "other", "predicateType": "other"}'])
def test_other_documents_are_no_provenance(text: bytes) -> None:
    """What is no such statement is refused, whatever JSON it is."""
    with pytest.raises(ValueError, match="not a valid provenance"):
        parse_provenance(text)
