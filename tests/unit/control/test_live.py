"""Which policy is gone by, whatever the pointer names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handshake.campaign.live_policy import PolicyReader
from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointer import Pointer

CAMPAIGN = Path(__file__).parents[3] / "examples" / "campaign"
GOOD, BAD = digest_bytes(b"good"), digest_bytes(b"bad")


@pytest.fixture
def reader(tmp_path: Path) -> PolicyReader:
    """A reader to whom one release is a policy, and another an empty folder."""
    return PolicyReader("campaign", lambda release: CAMPAIGN if release == GOOD else tmp_path)


@pytest.fixture
def pointer(reader: PolicyReader) -> Pointer:
    """A policy pointer that has moved from the good release to the bad one."""
    return Pointer(
        subject=reader.subject,
        release=BAD,
        revision=2,
        stable=GOOD,
        moved_by="ada",
        reason="tried",
        moved_at=0.0,
    )


def test_an_unreadable_policy_is_refused(reader: PolicyReader, pointer: Pointer) -> None:
    """What a place shall serve is what the pointer names, or an error that says why not."""
    with pytest.raises(RefusedError, match="not a valid policy"):
        reader.live({reader.subject: pointer})


def test_the_leader_goes_by_the_stable_policy_meanwhile(reader: PolicyReader, pointer: Pointer) -> None:
    """While the pointer names what cannot be read, the stable policy is in force, so that somebody can move it back."""
    policy = reader.in_force({reader.subject: pointer})

    assert policy is not None
    assert policy.campaign.name == "campaign"


def test_without_a_policy_nothing_is_in_force(reader: PolicyReader, pointer: Pointer) -> None:
    """Where nothing was applied yet, or only what cannot be read, there is no policy to go by."""
    other = Subject(kind=Kind.POLICY, name="other")

    assert reader.in_force({}) is None
    assert reader.in_force({other: pointer}) is None
    assert reader.in_force({reader.subject: replace(pointer, stable=None)}) is None
