"""What a browser does with a compressed answer."""

import gzip
from collections.abc import Callable

import brotli
import zstandard

from handshake.release.manifest import Encoding

EXPAND: dict[Encoding, Callable[[bytes], bytes]] = {
    Encoding.BROTLI: brotli.decompress,
    Encoding.ZSTD: lambda packed: zstandard.ZstdDecompressor().decompressobj().decompress(packed),
    Encoding.GZIP: gzip.decompress,
}
