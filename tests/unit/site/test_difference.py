"""What changed between two releases of a site."""

from handshake.core.digest import digest_bytes
from handshake.core.subject import Kind
from handshake.release.manifest import Manifest, ManifestFile
from handshake.site.history import FileChange, compare_releases


def release(files: dict[str, str], **contract: object) -> Manifest:
    """Return a site's manifest."""
    return Manifest(
        kind=Kind.SITE,
        files=tuple(
            ManifestFile(path=path, digest=digest_bytes(content.encode()), size=len(content))
            for path, content in sorted(files.items())
        ),
        contract=contract,
    )


def test_added_removed_and_changed_files_are_told_by_size() -> None:
    """Each path that is not the same is told once, with its size before and after; the rest is counted."""
    before = release({"a": "1", "b": "22", "c": "333"})
    after = release({"a": "1", "b": "4444", "d": "55555"})
    found = compare_releases(before, after)
    assert found.changes == (
        FileChange(path="b", before=2, after=4),
        FileChange(path="c", before=3, after=None),
        FileChange(path="d", before=None, after=5),
    )
    assert found.unchanged == 1


def test_the_same_size_is_no_proof() -> None:
    """An edit that keeps the size is a change."""
    assert compare_releases(release({"a": "1"}), release({"a": "2"})).changes


def test_what_is_served_otherwise_is_told() -> None:
    """A changed contract is told by the names in it."""
    found = compare_releases(release({}, assets=["a/"], query=[]), release({}, assets=["b/"], query=[]))
    assert found.contract == ("assets",)
