"""The compressed variants of a site's files, cached by content, so that nothing is compressed twice."""

from __future__ import annotations

import os
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import brotli
import zstandard

from handshake.core.atomic_file import creating, rename_durably
from handshake.core.digest import Digest, digest_file, digits
from handshake.core.errors import RefusedError
from handshake.release.manifest import Encoding, ManifestFile, is_compressible


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
        hint="Let the build finish, then publish again.",
    )


# Compressing one file: the same bytes for the same content, and flat memory whatever its size.

_CHUNK_BYTES = 1 << 20
_GZIP_LEVEL = 9
_ZSTD_LEVEL = 12
"""Its window, 4 MiB, is within the 8 MiB that every browser accepts (RFC 9659)."""
_BROTLI_QUALITY = 9
"""11 saves 8 % more of a script and takes twenty times as long: 1.4 s for a megabyte."""
_BROTLI_WINDOWS = (12, 22)
"""As powers of two: one that fits the file avoids clearing a large one, 2.7 ms for a small page."""
_GZIP_HEADER_AND_TRAILER = 16

METHODS = {
    Encoding.BROTLI: f"br-{_BROTLI_QUALITY}",
    Encoding.ZSTD: f"zstd-{_ZSTD_LEVEL}",
    Encoding.GZIP: f"gzip-{_GZIP_LEVEL}",
}
"""The method part of a variant's name: when a method changes, so does the name."""


class _Compressor(Protocol):
    """What all three libraries have in common."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Brotli:
    """A brotli compressor with the method names of the others."""

    def __init__(self, size: int) -> None:
        small, large = _BROTLI_WINDOWS
        window = min(max(size.bit_length(), small), large)
        self._brotli = brotli.Compressor(quality=_BROTLI_QUALITY, lgwin=window)

    def compress(self, data: bytes, /) -> bytes:
        return bytes(self._brotli.process(data))

    def flush(self) -> bytes:
        return bytes(self._brotli.finish())


def compress_file(source: Path, target: Path, encoding: Encoding) -> None:
    """Write a file's compressed variant, a new file; no time, no name and no machine is in it."""
    compressor = _COMPRESSORS[encoding](source.stat().st_size)
    with creating(target) as file:
        for chunk in _read(source):
            file.write(compressor.compress(chunk))
        file.write(compressor.flush())


def _read(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _zstd(size: int) -> _Compressor:
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj(size=size)


def _gzip(_: int) -> _Compressor:
    # zlib's own header has no time in it, unlike that of the gzip module before it is told so.
    return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS + _GZIP_HEADER_AND_TRAILER)


_COMPRESSORS: dict[Encoding, Callable[[int], _Compressor]] = {
    Encoding.BROTLI: _Brotli,
    Encoding.ZSTD: _zstd,
    Encoding.GZIP: _gzip,
}
