"""What changed between two releases of a site."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.manifest import Manifest, ManifestFile


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One path that is not the same in both."""

    path: str
    before: int | None
    """Bytes; None where the path is new."""
    after: int | None
    """Bytes; None where the path is gone."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """All that is not the same."""

    changes: tuple[FileChange, ...]
    """By path."""
    unchanged: int
    """Files that are the same in both."""
    contract: tuple[str, ...]
    """What is said otherwise of how the site is served: names of the contract."""


def compare_releases(before: Manifest, after: Manifest) -> Difference:
    """Return what changed from one release to another, by content and not by time."""
    old, new = _by_path(before), _by_path(after)
    paths = sorted(old.keys() | new.keys())
    changes = tuple(
        FileChange(path=path, before=_size(old.get(path)), after=_size(new.get(path)))
        for path in paths
        if _digest(old.get(path)) != _digest(new.get(path))
    )
    said = before.contract.keys() | after.contract.keys()
    return Difference(
        changes=changes,
        unchanged=len(paths) - len(changes),
        contract=tuple(
            sorted(name for name in said if before.contract.get(name) != after.contract.get(name))
        ),
    )


def _by_path(manifest: Manifest) -> dict[str, ManifestFile]:
    return {file.path: file for file in manifest.files}


def _size(file: ManifestFile | None) -> int | None:
    return file.size if file else None


def _digest(file: ManifestFile | None) -> str:
    return file.digest if file else ""
