"""What a policy declares is read without its rules, and is what the whole policy says."""

from pathlib import Path

import pytest

from handshake.campaign.policy import read_policy
from handshake.core.digest import Digest, digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.edge.lists.declared import DeclarationReader
from handshake.pointers.pointer import Pointer
from tests.meta.sources import REPOSITORY

CAMPAIGN = REPOSITORY / "examples" / "campaign"
SUBJECT = Subject(kind=Kind.POLICY, name="campaign")
RELEASE = digest_bytes(b"policy")


def _pointer(subject: Subject) -> Pointer | None:
    if subject != SUBJECT:
        return None
    return Pointer(
        subject=SUBJECT, release=RELEASE, revision=1, stable=None, moved_by="ann", moved_at=0.0, reason=""
    )


def _reader(folder: Path, fetched: list[Digest]) -> DeclarationReader:
    def fetch(release: Digest) -> Path:
        fetched.append(release)
        return folder

    return DeclarationReader("campaign", _pointer, fetch)


def test_the_excerpt_is_what_the_whole_policy_declares() -> None:
    """Switches, lists and nodes are those that the whole policy has, and its release is read once."""
    fetched: list[Digest] = []
    reader = _reader(CAMPAIGN, fetched)
    declared, whole = reader.require_live(), read_policy(CAMPAIGN)

    assert declared.nodes == whole.campaign.nodes
    assert (declared.edge.switches, declared.edge.lists) == (whole.edge.switches, whole.edge.lists)
    assert declared.edge.text_lists == whole.edge.text_lists
    assert declared.edge.switches
    assert reader.live() is declared
    assert fetched == [RELEASE]


def test_before_the_first_policy_there_is_nothing_to_change() -> None:
    """Without a live policy a change of live data is refused, with what to do first."""
    reader = DeclarationReader("other", _pointer, lambda _: CAMPAIGN)
    assert reader.live() is None
    with pytest.raises(RefusedError, match="no policy was applied yet"):
        reader.require_live()


def test_entries_that_are_none_are_named(tmp_path: Path) -> None:
    """A release whose lists hold what is no network is refused, and every such entry is named with its place."""
    (tmp_path / "handshake.toml").write_text('name = "campaign"\n')
    (tmp_path / "edge.toml").write_text(
        '[lists.wall]\nkind = "network"\nentries = ["192.0.2.1", "300.1.1.1"]\nprotected = ["10.0.0.1/8"]\n'
    )
    with pytest.raises(RefusedError, match="not a valid policy") as refused:
        _reader(tmp_path, []).live()
    places = [line for line in refused.value.details.splitlines() if line.endswith("[edge-bad-address]")]
    assert [place.partition(": ")[0] for place in places] == ["edge.toml:3:25", "edge.toml:4:14"]


def test_an_unreadable_release_is_refused(tmp_path: Path) -> None:
    """A release without the files of a policy is refused, and said to be none."""
    with pytest.raises(RefusedError, match="not a valid policy"):
        _reader(tmp_path, []).live()
