"""What must travel so that a region holds a site's release: computed from what it holds already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from handshake.core.digest import Digest
from handshake.core.manifest import Manifest, ManifestFile, release_id
from handshake.core.objects import asset_key, document_key
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.upload import Upload

IMMUTABLE = "public, max-age=31536000, immutable"
"""For assets: the hash in the name changes with the content."""
REVALIDATED = "public, max-age=0, s-maxage=31536000"
"""For documents: the edge asks for them with the release in the URL and may keep them; a browser asks
without it, and must ask again each time."""


def plan_upload(
    manifest: Manifest, folder: Path, site: str, present: Mapping[str, Digest], previous: Manifest | None
) -> tuple[Upload, ...]:
    """Return what one region lacks, assets before the documents that name them.

    `present` is what the region holds: key -> digest. `previous` is the site's release before, None for the
    first one; documents that it shares are copied inside the region. ProblemsError where an asset path
    holds another content already: assets are append-only.
    """
    assets, documents = asset_keys(site, manifest), document_keys(site, manifest)
    if clashes := [file for key, file in assets.items() if present.get(key, file.digest) != file.digest]:
        raise ProblemsError([_clash(folder, file) for file in clashes])
    sources = _copy_sources(site, previous, present)
    wanted = [_asset_upload(key, file, folder) for key, file in assets.items()]
    wanted += [_document_upload(key, file, folder, sources) for key, file in documents.items()]
    return tuple(upload for upload in wanted if present.get(upload.key) != upload.digest)


def asset_keys(site: str, manifest: Manifest) -> dict[str, ManifestFile]:
    """Return key -> file of those that all releases of the site share."""
    prefixes = asset_prefixes(manifest)
    return {asset_key(site, file.path): file for file in manifest.files if file.path.startswith(prefixes)}


def document_keys(site: str, manifest: Manifest) -> dict[str, ManifestFile]:
    """Return key -> file of those that belong to this release alone."""
    prefixes, release = asset_prefixes(manifest), release_id(manifest)
    documents = (file for file in manifest.files if not file.path.startswith(prefixes))
    return {document_key(site, release, file.path): file for file in documents}


def asset_prefixes(manifest: Manifest) -> tuple[str, ...]:
    """Return the folders whose files are assets, as the manifest's contract declares them."""
    declared = manifest.contract.get("assets")
    if not isinstance(declared, list) or not all(isinstance(prefix, str) for prefix in declared):
        raise ValueError("a site's manifest declares its asset folders, a list of words")
    return tuple(declared)


def _copy_sources(
    site: str, previous: Manifest | None, present: Mapping[str, Digest]
) -> dict[tuple[Digest, str], str]:
    """Return content and type -> the key in the region of such a document of the release before."""
    if previous is None:
        return {}
    return {
        (file.digest, file.content_type): key
        for key, file in document_keys(site, previous).items()
        if key in present
    }


def _asset_upload(key: str, file: ManifestFile, folder: Path) -> Upload:
    return Upload(
        key=key,
        digest=file.digest,
        content=folder / file.path,
        content_type=file.content_type,
        cache_control=IMMUTABLE,
    )


def _document_upload(
    key: str, file: ManifestFile, folder: Path, sources: Mapping[tuple[Digest, str], str]
) -> Upload:
    return Upload(
        key=key,
        digest=file.digest,
        content=folder / file.path,
        content_type=file.content_type,
        cache_control=REVALIDATED,
        copy_of=sources.get((file.digest, file.content_type), ""),
    )


def _clash(folder: Path, file: ManifestFile) -> Problem:
    return Problem(
        check="site-asset-changed",
        what="a release before has published another content under this asset path",
        where=Location(file=str(folder / file.path)),
        hint="Let the bundler put a hash of the content into the name: open tabs still ask for the old one.",
    )
