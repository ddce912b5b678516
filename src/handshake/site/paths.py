"""Paths of a site: valid object keys and URLs, and the content type of each. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from handshake.core.problem import Location, Problem
from handshake.release.manifest import Encoding, find_extension

INDEX = "index.html"

_PATH_BYTES = 900
"""Stores accept keys of up to 1,024 bytes; the rest is needed for the site's name and the release."""
_SHOWN_CHARACTERS = 120
_VARIANT_FOLDERS = {encoding.folder.removesuffix("/") for encoding in Encoding}

_HASHED_NAME = re.compile(
    r"""
    (?<![A-Za-z0-9]) (?=[a-z0-9]*[A-Z0-9]) [A-Za-z0-9]{8,} \.   # app.3f2a9b1c.js, 0beec7b5ea3f0fdb.png
    | - (?=[a-z_-]*[A-Z0-9]) [A-Za-z0-9_-]{8} \.                # index-Bk_3xZ1a.js
    """,
    re.VERBOSE,
)
"""How bundlers write a hash into a name. A word that only looks like a hash passes here, and is refused when
its content changes: an asset path never gets a second content."""


def check_paths(folder: Path, paths: Sequence[str], assets: Iterable[str]) -> list[Problem]:
    """Return what is wrong with the paths of a built folder, besides what no release can hold."""
    prefixes = tuple(assets)
    problems = [problem for path in paths for problem in _check_path(folder, path, prefixes)]
    problems += _check_case(folder, paths)
    if not paths:
        problems.append(_problem("site-empty", folder, "", "the built folder contains no files"))
    elif INDEX not in paths:
        problems.append(_problem("site-no-index", folder, INDEX, f"the site has no {INDEX}"))
    return problems


def has_hash(name: str) -> bool:
    """Return whether a file's name looks as if it carried a hash of its content."""
    return _HASHED_NAME.search(name) is not None


def _check_path(folder: Path, path: str, assets: tuple[str, ...]) -> list[Problem]:
    problems = []
    if (length := len(path.encode("utf-8", "surrogateescape"))) > _PATH_BYTES:
        what = f"the path is {length} bytes long; the maximum is {_PATH_BYTES}"
        problems.append(_problem("site-path-long", folder, path, what))
    if path.partition("/")[0] in _VARIANT_FOLDERS:
        what = f"the name {path.partition('/')[0]} is reserved for the folder of compressed files"
        problems.append(_problem("site-path-variant", folder, path, what))
    if path.startswith(assets) and not has_hash(path.rpartition("/")[2]):
        what = "the file is in an asset folder, but its name contains no content hash"
        problems.append(_problem("site-asset-name", folder, path, what))
    return problems


def _check_case(folder: Path, paths: Sequence[str]) -> list[Problem]:
    alike: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        alike[unicodedata.normalize("NFC", path).casefold()].append(path)
    return [
        _problem("site-path-case", folder, second, f"the name differs only in case from {first}")
        for first, *others in alike.values()
        for second in others
    ]


_HINTS = {
    "site-empty": "Build the site first, or correct `output` in site.toml.",
    "site-no-index": f"Visitors who open the site see {INDEX}: make the build write it.",
    "site-path-long": "Shorten the names of the file and the folders above it.",
    "site-path-variant": "Rename it: ~br, ~gzip and ~zstd are reserved.",
    "site-path-case": "Rename one of the two: some stores and disks treat them as the same file.",
    "site-asset-name": "Configure the bundler to put a content hash of at least 8 characters into the name, such as "
    "app.3f2a9b1c.js, or remove the folder from `assets` in site.toml.",
}


def _problem(check: str, folder: Path, path: str, what: str) -> Problem:
    return Problem(check=check, what=what, where=_locate(folder, path), hint=_HINTS[check])


def _locate(folder: Path, path: str) -> Location:
    """Return where a file stands, in characters that every terminal shows as they are."""
    printable = str(folder / path).encode("unicode_escape", "backslashreplace").decode()
    shortened = printable[:_SHOWN_CHARACTERS] + "..." if len(printable) > _SHOWN_CHARACTERS else printable
    return Location(file=shortened)


# Content types by file extension: one table, so that a release's id is the same on every machine.

DEFAULT = "application/octet-stream"

CONTENT_TYPES = {
    "atom": "application/atom+xml",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "css": "text/css; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "eot": "application/vnd.ms-fontobject",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "ics": "text/calendar; charset=utf-8",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "md": "text/markdown; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "rss": "application/rss+xml",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xhtml": "application/xhtml+xml",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
}
"""Extension, in lower case -> content type. The standard library's `mimetypes` is not used: its answers depend on
the machine's tables and on Python's version, and the type is part of a release."""


def content_type(path: str) -> str:
    """Return the content type of a file, `application/octet-stream` where the extension says nothing."""
    return CONTENT_TYPES.get(find_extension(path), DEFAULT)
