"""What a region holds of a site's release before anything travels, asked with as few questions as possible."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from handshake.core.digest import Digest, digest_bytes
from handshake.core.manifest import Manifest, release_id
from handshake.core.objects import ObjectStore, asset_prefix, document_prefix, manifest_key
from handshake.core.upload import Upload, read_digests
from handshake.site.upload import asset_prefixes

_FEW = 64
"""Objects that are asked for one by one; for more, a list first says which of them exist at all."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a region's manifests vouch for. A manifest is written last, so what it names was read back before."""

    is_whole: bool
    """The release itself is there."""
    has_previous: bool
    """The site's release before is there."""
    vouched: frozenset[str]
    """Paths of files that need no look: they, and their variants, are objects of a release that is there."""


def survey_region(
    store: ObjectStore, manifest: Manifest, previous: Manifest | None, *, is_thorough: bool
) -> Survey:
    """Return what a region's manifests say of a release; where all is to be looked at, they vouch for nothing."""
    is_whole = _is_there(store, manifest)
    has_previous = not is_whole and previous is not None and _is_there(store, previous)
    vouched: frozenset[str] = frozenset()
    if is_whole:
        vouched = frozenset(file.path for file in manifest.files)
    elif previous and has_previous:
        vouched = _shared_assets(manifest, previous)
    return Survey(
        is_whole=is_whole,
        has_previous=has_previous,
        vouched=frozenset() if is_thorough else vouched,
    )


def read_present(
    store: ObjectStore, objects: Collection[Upload], manifest: Manifest, site: str
) -> dict[str, Digest]:
    """Return which of these objects a region holds, each read back."""
    keys = {each.key for each in objects}
    if len(keys) > _FEW:
        keys &= {*store.keys(document_prefix(site, release_id(manifest))), *store.keys(asset_prefix(site))}
    return read_digests(store, keys)


def _shared_assets(manifest: Manifest, previous: Manifest) -> frozenset[str]:
    prefixes = asset_prefixes(previous)
    before = {file.path: file.digest for file in previous.files if file.path.startswith(prefixes)}
    mine = (file for file in manifest.files if file.path.startswith(asset_prefixes(manifest)))
    return frozenset(file.path for file in mine if before.get(file.path) == file.digest)


def _is_there(store: ObjectStore, manifest: Manifest) -> bool:
    release = release_id(manifest)
    text = store.get(manifest_key(release))
    return text is not None and digest_bytes(text) == release
