"""Uploads objects to every region, and reads them back before a release may refer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from handshake.core.digest import Digest, digest_bytes, digest_file
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.release.manifest import Encoding, Manifest, print_manifest, release_id
from handshake.release.objects import ObjectStore, manifest_key, provenance_key, signature_key
from handshake.release.provenance import Provenance, print_provenance
from handshake.release.signature import Signature

_WORKERS = 8
"""Concurrent uploads per region: hides the latency of a distant store."""
_SMALL_BYTES = 1 << 20
"""Files up to this size are read once: the compared bytes are the uploaded ones."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One object that a region should hold."""

    key: str
    digest: Digest
    content: Path | bytes
    content_type: str = ""
    cache_control: str = ""
    encoding: Encoding | None = None
    """The content encoding, None if it is not compressed."""
    copy_of: str = ""
    """The key of an object with the same content and type in the same region, which saves the upload;
    empty if there is none."""


@dataclass(frozen=True, kw_only=True)
class UploadProgress:
    """The progress in one region."""

    region: str
    done: int
    total: int
    """Uploaded objects; those that existed already are not counted."""


Report = Callable[[UploadProgress], None]
"""Called from several threads, one call at a time."""


def upload_everywhere(
    stores: Sequence[ObjectStore], plans: Mapping[str, Sequence[Upload]], report: Report
) -> None:
    """Carry out each region's uploads, all regions at once, and read every object back.

    Returns when all of it stands everywhere. Else one error names every region that failed; what was
    written stays, for the next try to find.
    """
    telling = Lock()

    def tell(progress: UploadProgress) -> None:
        with telling:
            report(progress)

    everywhere(stores, lambda store: _upload(store, plans[store.region], tell))


def seal_release(
    stores: Sequence[ObjectStore],
    manifest: Manifest,
    provenance: Provenance,
    *,
    signatures: Sequence[Signature] = (),
) -> Digest:
    """Make a release exist in every region, where all of its objects must stand by now; return its id.

    The provenance and the signatures first, the manifest last: a release is there when its manifest is.
    """
    release = release_id(manifest)
    made = print_provenance(provenance)
    contents = {
        provenance_key(release, digest_bytes(made)): made,
        **{signature_key(release, signature.key): signature.value for signature in signatures},
        manifest_key(release): print_manifest(manifest),
    }
    uploads = [
        Upload(key=key, digest=digest_bytes(content), content=content) for key, content in contents.items()
    ]

    def seal_in(store: ObjectStore) -> None:
        for upload in uploads:
            if _read_digest(store, upload.key) != upload.digest:
                _require_held(store, [_place(store, upload)])

    everywhere(stores, seal_in)
    return release


def read_digests(store: ObjectStore, keys: Iterable[str]) -> dict[str, Digest]:
    """Return what a region holds under these keys, read back; keys that it does not hold are left out."""
    asked = list(keys)
    told = store.recall(asked)
    others = [key for key in asked if key not in told]
    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="read") as pool:
        digests = pool.map(lambda key: _read_digest(store, key), others)
        return {**told, **{key: digest for key, digest in zip(others, digests, strict=True) if digest}}


def everywhere(stores: Sequence[ObjectStore], act: Callable[[ObjectStore], None]) -> None:
    """Act on every region at once and wait for all; one error tells of every region that failed."""
    with ThreadPoolExecutor(max_workers=len(stores), thread_name_prefix="region") as pool:
        running = [pool.submit(act, store) for store in stores]
    if failed := [error for future in running if (error := future.exception())]:
        raise _join_errors(failed)


def _join_errors(errors: Sequence[BaseException]) -> BaseException:
    """Return one error that tells what every region said, of the first one's type.

    What is no region's word, a problem of the input or a defect, comes before all of that.
    """
    expected = [error for error in errors if isinstance(error, HandshakeError)]
    if len(expected) < len(errors):
        return next(error for error in errors if error not in expected)
    return type(expected[0])(
        "; ".join(error.what for error in expected),
        hint=expected[0].hint,
        details="\n".join(error.details for error in expected if error.details),
    )


def _read_digest(store: ObjectStore, key: str) -> Digest | None:
    info = store.info(key)
    if info is None or info.digest is not None:
        return info.digest if info else None
    content = store.get(key)
    return None if content is None else digest_bytes(content)


def _upload(store: ObjectStore, uploads: Sequence[Upload], report: Report) -> None:
    report(UploadProgress(region=store.region, done=0, total=len(uploads)))
    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="upload") as pool:
        running = [pool.submit(_place, store, upload) for upload in uploads]
        try:
            _watch(store.region, running, report)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    _require_held(store, [placed for future in running if (placed := future.result())])


def _watch(region: str, running: Sequence[Future[Upload | None]], report: Report) -> None:
    for done, future in enumerate(as_completed(running), 1):
        future.result()
        report(UploadProgress(region=region, done=done, total=len(running)))


def _place(store: ObjectStore, upload: Upload) -> Upload | None:
    """Write one object; return it where it is still to be read back, as a copy was already.

    A copy that differs from what it should be is written again.
    """
    if upload.copy_of and _copied(store, upload):
        return None
    store.put(
        upload.key,
        _read_unchanged(upload),
        content_type=upload.content_type,
        cache_control=upload.cache_control,
        encoding=upload.encoding,
    )
    return upload


def _require_held(store: ObjectStore, placed: Iterable[Upload | None]) -> None:
    """Read everything back that was written."""
    wanted = {upload.key: upload.digest for upload in placed if upload}
    held = read_digests(store, wanted)
    lost = [key for key, digest in wanted.items() if held.get(key) != digest]
    if lost:
        others = f" and {len(lost) - 1:,} others" if len(lost) > 1 else ""
        raise UnavailableError(
            f"region {store.region} does not return what was written to {lost[0]}{others}",
            hint="Check that region's disk or network, then publish again: only missing objects are uploaded.",
        )


def _copied(store: ObjectStore, upload: Upload) -> bool:
    """Copy inside the region; False if the source is gone or is not what it should be."""
    try:
        store.copy(upload.copy_of, upload.key)
    except RefusedError:
        return False
    return _read_digest(store, upload.key) == upload.digest


def _read_unchanged(upload: Upload) -> Path | bytes:
    """Return what should travel; a file that changed since it was listed would take its name in the store for ever."""
    if isinstance(upload.content, bytes):
        return upload.content
    try:
        content = _read_small(upload.content)
        digest = digest_bytes(content) if isinstance(content, bytes) else digest_file(content)
        is_same = digest == upload.digest
    except OSError:
        is_same = False
    if is_same:
        return content
    raise RefusedError(
        f"{upload.content} changed or vanished while it was being published",
        hint="Let the build finish, then publish again.",
    )


def _read_small(file: Path) -> Path | bytes:
    return file.read_bytes() if file.stat().st_size <= _SMALL_BYTES else file
