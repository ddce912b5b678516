"""Publishes a site: every object to every region, read back, and the manifest last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from handshake.core.digest import Digest, digest_bytes
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.release.manifest import Encoding, Manifest, ManifestFile, is_compressible, release_id
from handshake.release.objects import (
    ObjectStore,
    asset_key,
    asset_prefix,
    asset_variant_key,
    document_key,
    document_prefix,
    document_variant_key,
    manifest_key,
)
from handshake.release.provenance import Provenance
from handshake.release.upload import Report, Upload, everywhere, read_digests, seal_release, upload_everywhere
from handshake.site.variants import Variants, make_variants

# What must travel so that a region holds a site's release: computed from what it holds already.

IMMUTABLE = "public, max-age=31536000, immutable"
"""For assets: the hash in the name changes with the content."""
REVALIDATED = "public, max-age=0, s-maxage=31536000"
"""For documents: the edge requests them with the release in the URL and may keep them; browsers request them
without it, and must revalidate each time."""


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
        raise ValueError("a site's manifest must declare its asset folders as a list of strings")
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
        what="an earlier release published different content at this asset path",
        where=Location(file=str(upload.content)),
        hint="Configure the bundler to put a content hash into the name: open tabs still request the old content.",
    )


# What a region holds of a site's release before anything travels, asked with as few questions as possible.

_FEW = 64
"""Up to this many objects are checked one by one; for more, a listing shows first which exist at all."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a region's manifests prove. A manifest is written last, so everything it names was read back before."""

    is_whole: bool
    """The release itself exists."""
    has_previous: bool
    """The site's previous release exists."""
    vouched: frozenset[str]
    """Paths of files that need no check: they and their variants are objects of an existing release."""


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


def publish_site(
    stores: Sequence[ObjectStore],
    manifest: Manifest,
    folder: Path,
    *,
    site: str,
    previous: Manifest | None,
    provenance: Provenance,
    report: Report,
    variants: Path | None = None,
    is_thorough: bool = False,
) -> Digest:
    """Make a site's release exist in every region; return its id. No pointer moves.

    Idempotent, and resumable after any interruption: only what a region lacks travels, and a region that
    is down fails the whole with UnavailableError before any manifest is written. ProblemsError where an
    asset path holds another content; then nothing was written anywhere. `variants` is the folder in which
    compressed files are kept from one publish to the next, None to publish without them. A thorough publish
    believes no manifest, reads everything back, and mends what is damaged.
    """
    surveys = _survey(stores, manifest, previous, is_thorough=is_thorough)
    made = _compress(manifest, folder, surveys, variants)
    plans: dict[str, tuple[Upload, ...]] = {}

    def plan(store: ObjectStore) -> None:
        survey = surveys[store.region]
        wanted = list_objects(manifest, folder, site, made, but=survey.vouched)
        present = read_present(store, wanted, manifest, site)
        before = list_documents(previous, folder, site, made) if previous and survey.has_previous else ()
        plans[store.region] = plan_upload(wanted, present, find_copies(before))

    everywhere(stores, plan)
    upload_everywhere(stores, plans, report)
    return seal_release(stores, manifest, provenance)


def _survey(
    stores: Sequence[ObjectStore], manifest: Manifest, previous: Manifest | None, *, is_thorough: bool
) -> dict[str, Survey]:
    surveys: dict[str, Survey] = {}

    def survey(store: ObjectStore) -> None:
        surveys[store.region] = survey_region(store, manifest, previous, is_thorough=is_thorough)

    everywhere(stores, survey)
    return surveys


def _compress(
    manifest: Manifest, folder: Path, surveys: Mapping[str, Survey], cache: Path | None
) -> Variants:
    if cache is None:
        return {}
    known = frozenset.intersection(*(survey.vouched for survey in surveys.values()))
    return make_variants([file for file in manifest.files if file.path not in known], folder, cache)
