"""Which files of a site stand in every region compressed too, and in which encodings."""

from __future__ import annotations

from enum import StrEnum


class Encoding(StrEnum):
    """How a variant of a file is compressed; the value is the word of `Content-Encoding` and `Accept-Encoding`."""

    BROTLI = "br"
    ZSTD = "zstd"
    GZIP = "gzip"

    @property
    def folder(self) -> str:
        """The folder, beside the files as they are, in which this encoding's variants lie."""
        return f"~{self.value}/"


COMPRESSIBLE_EXTENSIONS = (
    "atom",
    "css",
    "csv",
    "htm",
    "html",
    "ics",
    "js",
    "json",
    "map",
    "md",
    "mjs",
    "rss",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
    "xhtml",
    "xml",
    "yaml",
    "yml",
)
"""Extensions in lower case. A file of these has a variant in every encoding, whether or not that is smaller: so
the edge sees from a URL alone what it can ask a region for."""


def is_compressible(path: str) -> bool:
    """Whether a file has variants: by what follows the last dot of its name, in any case, as its type is found."""
    return find_extension(path) in COMPRESSIBLE_EXTENSIONS


def find_extension(path: str) -> str:
    """Return what follows the last dot of a file's name, in lower case; empty where that is no extension."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if stem and dot else ""
