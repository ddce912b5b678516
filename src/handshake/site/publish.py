"""Publishing a site: every object in every region, read back, and only then the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from handshake.core.digest import Digest
from handshake.core.manifest import Manifest, release_id
from handshake.core.objects import ObjectStore, asset_prefix, document_prefix
from handshake.core.provenance import Provenance
from handshake.core.upload import Report, Upload, everywhere, read_digests, seal_release, upload_everywhere
from handshake.site.upload import asset_keys, document_keys, plan_upload


def publish_site(
    stores: Sequence[ObjectStore],
    manifest: Manifest,
    folder: Path,
    *,
    site: str,
    previous: Manifest | None,
    provenance: Provenance,
    report: Report,
) -> Digest:
    """Make a site's release exist in every region; return its id. No pointer moves.

    Idempotent, and resumable after any interruption: only what a region lacks travels, and a region that
    is down fails the whole with UnavailableError before any manifest is written. ProblemsError where an
    asset path holds another content; then nothing was written anywhere.
    """
    plans: dict[str, tuple[Upload, ...]] = {}

    def plan(store: ObjectStore) -> None:
        present = survey_region(store, manifest, site, previous)
        plans[store.region] = plan_upload(manifest, folder, site, present, previous)

    everywhere(stores, plan)
    upload_everywhere(stores, plans, report)
    return seal_release(stores, manifest, provenance)


def survey_region(
    store: ObjectStore, manifest: Manifest, site: str, previous: Manifest | None
) -> dict[str, Digest]:
    """Return what a region holds of a release, read back, and which documents of the one before it lists."""
    listed = {*store.keys(document_prefix(site, release_id(manifest))), *store.keys(asset_prefix(site))}
    expected = asset_keys(site, manifest).keys() | document_keys(site, manifest).keys()
    held = read_digests(store, listed & expected)
    return _copyable(store, site, previous) | held if previous else held


def _copyable(store: ObjectStore, site: str, previous: Manifest) -> dict[str, Digest]:
    """Return the documents of the release before, by their word: whatever is copied is read back."""
    listed = set(store.keys(document_prefix(site, release_id(previous))))
    claimed = document_keys(site, previous)
    return {key: file.digest for key, file in claimed.items() if key in listed}
