"""What must travel so that a region holds a site's release: computed from what it holds already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from handshake.core.compressible import Encoding, is_compressible
from handshake.core.digest import Digest
from handshake.core.manifest import Manifest, ManifestFile, release_id
from handshake.core.objects import asset_key, asset_variant_key, document_key, document_variant_key
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.upload import Upload
from handshake.site.variants import Variants

IMMUTABLE = "public, max-age=31536000, immutable"
"""For assets: the hash in the name changes with the content."""
REVALIDATED = "public, max-age=0, s-maxage=31536000"
"""For documents: the edge asks for them with the release in the URL and may keep them; a browser asks
without it, and must ask again each time."""


def list_objects(
    manifest: Manifest, folder: Path, site: str, variants: Variants, *, but: Collection[str] = ()
) -> tuple[Upload, ...]:
    """Return the objects that a release is made of in a region, assets before the documents that name them.

    Every file is followed by its compressed variants. `but` are paths of files that are left out.
    """
    prefixes = asset_prefixes(manifest)
    wanted = [file for file in manifest.files if file.path not in but and file.path.startswith(prefixes)]
    assets = (upload for file in wanted for upload in _list_asset(file, folder, site, variants))
    return (*assets, *list_documents(manifest, folder, site, variants, but=but))


def list_documents(
    manifest: Manifest, folder: Path, site: str, variants: Variants, *, but: Collection[str] = ()
) -> tuple[Upload, ...]:
    """Return the objects that belong to this release alone, each file followed by its compressed variants."""
    prefixes, release = asset_prefixes(manifest), release_id(manifest)
    wanted = [file for file in manifest.files if file.path not in but and not file.path.startswith(prefixes)]
    return tuple(
        upload for file in wanted for upload in _list_document(file, folder, site, variants, release)
    )


def plan_upload(
    objects: Collection[Upload], present: Mapping[str, Digest], copies: Mapping[tuple[Digest, str], str]
) -> tuple[Upload, ...]:
    """Return what one region lacks of these objects.

    `present` is what the region holds: key -> digest. `copies` are objects of the release before that the
    region holds, by content and type; where one is the same it is copied inside the region. ProblemsError
    where an asset path holds another content already: assets are append-only.
    """
    changed = [
        each for each in objects if _is_asset(each) and present.get(each.key, each.digest) != each.digest
    ]
    if changed:
        raise ProblemsError([_clash(each) for each in changed])
    return tuple(
        _with_copy(each, copies.get((each.digest, each.content_type), ""))
        for each in objects
        if present.get(each.key) != each.digest
    )


def find_copies(documents: Collection[Upload]) -> dict[tuple[Digest, str], str]:
    """Return the documents of the release before, by content and type."""
    return {(each.digest, each.content_type): each.key for each in documents}


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


def _list_asset(file: ManifestFile, folder: Path, site: str, variants: Variants) -> Iterator[Upload]:
    yield _upload(asset_key(site, file.path), file, folder, IMMUTABLE)
    yield from _list_variants(file, variants, IMMUTABLE, lambda its: asset_variant_key(site, its, file.path))


def _list_document(
    file: ManifestFile, folder: Path, site: str, variants: Variants, release: Digest
) -> Iterator[Upload]:
    yield _upload(document_key(site, release, file.path), file, folder, REVALIDATED)
    yield from _list_variants(
        file, variants, REVALIDATED, lambda its: document_variant_key(site, release, its, file.path)
    )


def _list_variants(
    file: ManifestFile, variants: Variants, cache_control: str, key_of: Callable[[Encoding], str]
) -> Iterator[Upload]:
    if not is_compressible(file.path):
        return
    for variant in variants.get(file.digest, ()):
        yield Upload(
            key=key_of(variant.encoding),
            digest=variant.digest,
            content=variant.path,
            content_type=file.content_type,
            cache_control=cache_control,
            encoding=variant.encoding,
        )


def _upload(key: str, file: ManifestFile, folder: Path, cache_control: str) -> Upload:
    return Upload(
        key=key,
        digest=file.digest,
        content=folder / file.path,
        content_type=file.content_type,
        cache_control=cache_control,
    )


def _with_copy(upload: Upload, source: str) -> Upload:
    is_document = upload.cache_control == REVALIDATED
    return replace(upload, copy_of=source) if source and is_document else upload


def _is_asset(upload: Upload) -> bool:
    """Whether this must never get another content; a variant may, when it was compressed by another program."""
    return upload.cache_control == IMMUTABLE and upload.encoding is None


def _clash(upload: Upload) -> Problem:
    return Problem(
        check="site-asset-changed",
        what="a release before has published another content under this asset path",
        where=Location(file=str(upload.content)),
        hint="Let the bundler put a hash of the content into the name: open tabs still ask for the old one.",
    )
