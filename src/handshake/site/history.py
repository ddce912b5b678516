"""The releases of a site, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointers import Pointers
from handshake.release.manifest import Manifest, ManifestFile
from handshake.release.objects import ObjectStore
from handshake.release.provenance import Provenance
from handshake.release.store import load_manifest, provenances, releases

_READERS = 8


@dataclass(frozen=True, kw_only=True)
class SiteRelease:
    """One release of a site."""

    release: Digest
    made_at: float
    """When it was last made; UTC, seconds since the epoch."""
    source: str
    commit: str
    builder: str
    files: int
    size: int
    """Bytes, without compressed variants."""
    is_live: bool
    is_stable: bool


@dataclass(frozen=True, kw_only=True)
class SiteReleases:
    """Reads a site's releases from the regions and the catalogue."""

    stores: Sequence[ObjectStore]
    pointers: Pointers

    def list(self, site: str) -> tuple[SiteRelease, ...]:
        """Return a site's releases, the youngest first."""
        subject = Subject(kind=Kind.SITE, name=site)
        with ThreadPoolExecutor(_READERS) as readers:
            found = list(readers.map(self._newest_provenance, releases(self.stores)))
        mine = [provenance for provenance in found if provenance and provenance.subject == subject]
        rows = (self._describe(subject, provenance) for provenance in mine)
        return tuple(sorted(rows, key=lambda row: -row.made_at))

    def live_and_before(self, site: str) -> tuple[Digest, Digest]:
        """Return the release before and the live one; RefusedError where there were not two."""
        subject = Subject(kind=Kind.SITE, name=site)
        history = self.pointers.history(subject)
        before = next((past.release for past in history if past.release != history[0].release), None)
        if before is None:
            raise RefusedError(f"{subject} never had two releases", hint="Specify both releases to compare.")
        return before, history[0].release

    def _newest_provenance(self, release: Digest) -> Provenance | None:
        found = provenances(self.stores, release)
        return found[-1] if found else None

    def _describe(self, subject: Subject, provenance: Provenance) -> SiteRelease:
        manifest = load_manifest(self.stores, provenance.release)
        pointer = self.pointers.get(subject)
        return SiteRelease(
            release=provenance.release,
            made_at=provenance.made_at,
            source=provenance.source,
            commit=provenance.commit,
            builder=provenance.builder,
            files=len(manifest.files),
            size=sum(file.size for file in manifest.files),
            is_live=pointer is not None and pointer.release == provenance.release,
            is_stable=pointer is not None and pointer.stable == provenance.release,
        )


# What changed between two releases of a site.


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One path that differs."""

    path: str
    before: int | None
    """Bytes; None if the path is new."""
    after: int | None
    """Bytes; None if the path was removed."""


@dataclass(frozen=True, kw_only=True)
class SiteDifference:
    """All differences."""

    changes: tuple[FileChange, ...]
    """By path."""
    unchanged: int
    """The number of files that are the same in both."""
    contract: tuple[str, ...]
    """What changed in how the site is served: field names of the contract."""


def compare_releases(before: Manifest, after: Manifest) -> SiteDifference:
    """Return what changed from one release to another, by content and not by time."""
    old, new = _by_path(before), _by_path(after)
    paths = sorted(old.keys() | new.keys())
    changes = tuple(
        FileChange(path=path, before=_size(old.get(path)), after=_size(new.get(path)))
        for path in paths
        if _digest(old.get(path)) != _digest(new.get(path))
    )
    said = before.contract.keys() | after.contract.keys()
    return SiteDifference(
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
