"""The release store: releases as blobs in every region (images, templates, policies), stored, found and fetched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from handshake.core.digest import Digest, digest_bytes, parse_digest, short
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.release.manifest import Manifest, ManifestFile, parse_manifest
from handshake.release.objects import ObjectStore, blob_key, manifest_key, signature_prefix
from handshake.release.provenance import Provenance, parse_provenance
from handshake.release.signature import KeyId, Signature
from handshake.release.tree import materialise
from handshake.release.upload import Report, Upload, everywhere, read_digests, seal_release, upload_everywhere

_RELEASES = "releases/"

Found = TypeVar("Found")


def store_release(
    stores: Sequence[ObjectStore],
    manifest: Manifest,
    folder: Path,
    provenance: Provenance,
    report: Report,
    *,
    signatures: Sequence[Signature] = (),
) -> Digest:
    """Make a release exist in every region; return its id. No pointer moves.

    Idempotent and resumable: only blobs that a region lacks travel, every one is read back, then come the
    provenance and the signatures, and last the manifest. UnavailableError names the regions that failed.
    """
    blobs = {
        file.digest: Upload(
            key=blob_key(file.digest), digest=file.digest, content=_content(folder / file.path, file)
        )
        for file in manifest.files
    }
    lacking: dict[str, list[Upload]] = {}

    def survey(store: ObjectStore) -> None:
        held = read_digests(store, (upload.key for upload in blobs.values()))
        lacking[store.region] = [upload for upload in blobs.values() if held.get(upload.key) != upload.digest]

    everywhere(stores, survey)
    upload_everywhere(stores, lacking, report)
    return seal_release(stores, manifest, provenance, signatures=signatures)


def load_manifest(stores: Sequence[ObjectStore], release: Digest) -> Manifest:
    """Return a release's manifest from the first region that has it whole.

    RefusedError where every region answers and none knows the release, else UnavailableError.
    """
    return parse_manifest(_load(stores, manifest_key(release), release, f"release {short(release)}"))


def fetch_release(stores: Sequence[ObjectStore], release: Digest, trees: Path) -> Path:
    """Return a release's tree on this machine, fetched, verified and materialised read-only if it is not there.

    Several processes may fetch one release at once; all get the same tree, which appears whole.
    """
    target = trees / release.removeprefix("sha256:")
    if target.is_dir():
        return target
    files = load_manifest(stores, release).files
    trees.mkdir(parents=True, exist_ok=True)
    materialise(
        files, lambda digest: _load(stores, blob_key(digest), digest, f"blob {short(digest)}"), target
    )
    return target


def releases(stores: Sequence[ObjectStore]) -> tuple[Digest, ...]:
    """Return the releases that exist in any region that answers, sites too; UnavailableError where none does."""
    return tuple(sorted({release for _, found in _ask(stores, _list_releases) for release in found}))


def provenances(stores: Sequence[ObjectStore], release: Digest) -> tuple[Provenance, ...]:
    """Return who made a release and when, oldest first, from every region that answers."""
    prefix = manifest_key(release).rpartition("/")[0] + "/provenance/"

    def read(store: ObjectStore) -> list[bytes]:
        return [text for key in store.keys(prefix) if (text := store.get(key)) is not None]

    texts = {text for _, found in _ask(stores, read) for text in found}
    return tuple(sorted(map(parse_provenance, texts), key=lambda provenance: provenance.made_at))


def signatures(stores: Sequence[ObjectStore], release: Digest) -> tuple[Signature, ...]:
    """Return the signatures of a release, by key, from every region that answers; none of them is verified."""
    prefix = signature_prefix(release)

    def read(store: ObjectStore) -> list[tuple[str, bytes]]:
        return [(key, value) for key in store.keys(prefix) if (value := store.get(key)) is not None]

    found = {pair for _, pairs in _ask(stores, read) for pair in pairs}
    return tuple(Signature(key=KeyId(key.removeprefix(prefix)), value=value) for key, value in sorted(found))


def _content(path: Path, file: ManifestFile) -> Path | bytes:
    return os.fsencode(path.readlink()) if file.is_link else path


def _load(stores: Sequence[ObjectStore], key: str, digest: Digest, what: str) -> bytes:
    """Return a content from the first region whose bytes are what the digest says."""
    answered: list[str] = []
    liars: list[str] = []
    for region, content in _ask(stores, lambda store: store.get(key)):
        answered.append(region)
        if content is not None and digest_bytes(content) == digest:
            return content
        if content is not None:
            liars.append(region)
    if liars or len(answered) < len(stores):
        raise _not_now(what, liars, sorted({store.region for store in stores} - set(answered)))
    raise RefusedError(
        f"no region has {what}", hint="Publish it first; `handshake history` lists the published releases."
    )


def _not_now(what: str, liars: Sequence[str], silent: Sequence[str]) -> UnavailableError:
    damaged = [f"its copy in region {region} is damaged" for region in liars]
    mute = [f"region {region} does not answer" for region in silent]
    return UnavailableError(
        f"{what} is not available: {', '.join([*damaged, *mute])}",
        hint="Bring a region back; publishing the same source again repairs damaged objects.",
    )


def _ask(stores: Sequence[ObjectStore], ask: Callable[[ObjectStore], Found]) -> Iterator[tuple[str, Found]]:
    """Yield the answers of the regions in turn, leaving out those that do not answer; raise if none does."""
    silent: list[HandshakeError] = []
    for store in stores:
        try:
            answer = ask(store)
        except HandshakeError as error:
            silent.append(error)
            continue
        yield store.region, answer
    if len(silent) == len(stores):
        raise UnavailableError(
            "no region answers: " + "; ".join(error.what for error in silent),
            hint=silent[0].hint if silent else "Declare a region in handshake.toml.",
        )


def _list_releases(store: ObjectStore) -> list[Digest]:
    keys = set(store.keys(_RELEASES))
    named = {parse_digest(f"sha256:{key.split('/')[1]}") for key in keys}
    return [release for release in named if manifest_key(release) in keys]
