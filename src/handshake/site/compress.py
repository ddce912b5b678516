"""Compressing one file: the same bytes for the same content, and flat memory whatever its size."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import brotli
import zstandard

from handshake.core.atomic_file import creating
from handshake.core.compressible import Encoding

_CHUNK_BYTES = 1 << 20
_GZIP_LEVEL = 9
_ZSTD_LEVEL = 12
"""Its window, 4 MiB, is within the 8 MiB that every browser takes (RFC 9659)."""
_BROTLI_QUALITY = 9
"""11 saves 8 % more of a script and takes twenty times as long: 1.4 s for a megabyte."""
_BROTLI_WINDOWS = (12, 22)
"""As powers of two: one that fits the file spares the time of clearing a large one, 2.7 ms for a small page."""
_GZIP_HEADER_AND_TRAILER = 16

METHODS = {
    Encoding.BROTLI: f"br-{_BROTLI_QUALITY}",
    Encoding.ZSTD: f"zstd-{_ZSTD_LEVEL}",
    Encoding.GZIP: f"gzip-{_GZIP_LEVEL}",
}
"""What names a variant beside the content: when a method changes, so does its name."""


class _Compressor(Protocol):
    """What all three libraries have in common."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Brotli:
    """A brotli compressor under the names that the others have."""

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
