"""The compressed variants of a site's files, kept by the content that they were made of: nothing is compressed twice."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from handshake.core.atomic_file import rename_durably
from handshake.core.compressible import Encoding, is_compressible
from handshake.core.digest import Digest, digest_file, digits
from handshake.core.errors import RefusedError
from handshake.core.manifest import ManifestFile
from handshake.site.compress import METHODS, compress_file


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A file that holds another file's content, compressed."""

    encoding: Encoding
    path: Path
    digest: Digest
    size: int
    """Bytes."""


Variants = dict[Digest, tuple[Variant, ...]]
"""A content's digest -> its variants."""


def make_variants(files: Iterable[ManifestFile], folder: Path, cache: Path) -> Variants:
    """Return the variants of every compressible file; those of a content that the cache knows are not made again.

    RefusedError where a file changed or vanished since the manifest was made.
    """
    sources = {file.digest: folder / file.path for file in files if is_compressible(file.path)}
    with ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="compress") as pool:
        made = pool.map(lambda digest: _make_all(digest, sources[digest], cache), sources)
        return dict(zip(sources, made, strict=True))


def _make_all(digest: Digest, source: Path, cache: Path) -> tuple[Variant, ...]:
    targets = {encoding: _target(cache, encoding, digest) for encoding in Encoding}
    if lacking := [encoding for encoding, target in targets.items() if not target.exists()]:
        try:
            _fill(source, digest, {encoding: targets[encoding] for encoding in lacking})
        except FileNotFoundError:
            raise _changed(source) from None
    return tuple(_describe(encoding, target) for encoding, target in targets.items())


def _fill(source: Path, digest: Digest, targets: dict[Encoding, Path]) -> None:
    drafts = {encoding: target.with_name(uuid.uuid4().hex) for encoding, target in targets.items()}
    try:
        for encoding, draft in drafts.items():
            draft.parent.mkdir(parents=True, exist_ok=True)
            compress_file(source, draft, encoding)
        # Read after it was compressed: what changed before or meanwhile is seen, and goes into no cache.
        if digest_file(source) != digest:
            raise _changed(source)
        for encoding, draft in drafts.items():
            rename_durably(draft, targets[encoding])
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _describe(encoding: Encoding, path: Path) -> Variant:
    return Variant(encoding=encoding, path=path, digest=digest_file(path), size=path.stat().st_size)


def _target(cache: Path, encoding: Encoding, digest: Digest) -> Path:
    plain = digits(digest)
    return cache / METHODS[encoding] / plain[:2] / plain


def _changed(source: Path) -> RefusedError:
    return RefusedError(
        f"{source} changed or vanished while it was being published",
        hint="let the build finish, then publish again",
    )
