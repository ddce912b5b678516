"""A manifest: the files of a release, and how they are served. Its digest is the release's id."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from handshake.core.digest import Digest, canonical_json, digest_bytes
from handshake.core.subject import Kind

FORMAT = 1
LINK_MODE = 0o120000
"""The mode of a symbolic link, as in git: its content is its target. Only base images have links."""


@dataclass(frozen=True, kw_only=True, order=True)
class ManifestFile:
    """One file of a release."""

    path: str
    """Relative, `/` between its parts, never `..`."""
    digest: Digest
    size: int
    """Bytes."""
    mode: int = 0o644
    """0o644 or 0o755, as materialised; or LINK_MODE."""
    content_type: str = ""
    """Set only for files that visitors fetch directly: in a site."""

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link."""
        return self.mode == LINK_MODE


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The definition of a release: kind, base, contract and files; nothing about who made it or when."""

    kind: Kind
    files: tuple[ManifestFile, ...]
    """Sorted by path, each path once."""
    base: str = ""
    """For an image: `host`, or the base image's release id."""
    contract: dict[str, object] = field(default_factory=dict)
    """What the release promises or needs: plain JSON values (an image's command, health and stores;
    a site's asset prefixes)."""

    def __post_init__(self) -> None:
        paths = [file.path for file in self.files]
        if paths != sorted(set(paths)):
            raise ValueError("a manifest's files must be sorted by path, each path once")

    @cached_property
    def text(self) -> bytes:
        """Its canonical JSON, printed once: a site has ten thousand files."""
        return canonical_json(
            {
                "format": FORMAT,
                "kind": self.kind,
                "base": self.base,
                "contract": self.contract,
                "files": [
                    [file.path, file.digest, file.size, file.mode, file.content_type] for file in self.files
                ],
            }
        )

    @cached_property
    def id(self) -> Digest:
        """The release's id: the digest of the text."""
        return digest_bytes(self.text)


def print_manifest(manifest: Manifest) -> bytes:
    """Return the manifest's canonical JSON."""
    return manifest.text


def parse_manifest(text: bytes) -> Manifest:
    """Return the manifest that `print_manifest` wrote; ValueError for anything else."""
    try:
        value = json.loads(text)
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']} is unknown; this program reads format {FORMAT}")
        return Manifest(
            kind=Kind(value["kind"]),
            base=value["base"],
            contract=value["contract"],
            files=tuple(
                ManifestFile(path=path, digest=digest, size=size, mode=mode, content_type=content_type)
                for path, digest, size, mode, content_type in value["files"]
            ),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a valid manifest: {error}") from error


def release_id(manifest: Manifest) -> Digest:
    """Return the release's id: the digest of its manifest."""
    return manifest.id


# Which files of a site stand in every region compressed too, and in which encodings.


class Encoding(StrEnum):
    """The compression of a file's variant; the value is that of `Content-Encoding` and `Accept-Encoding`."""

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
"""Extensions in lower case. Such a file has a variant in every encoding, even if that is not smaller, so that
the edge knows from the URL alone which variants a region has."""


def is_compressible(path: str) -> bool:
    """Whether a file has variants: by what follows the last dot of its name, in any case, as its type is found."""
    return find_extension(path) in COMPRESSIBLE_EXTENSIONS


def find_extension(path: str) -> str:
    """Return what follows the last dot of a file's name, in lower case; empty if that is no extension."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if stem and dot else ""


# What a site's release says of how it is served: part of its manifest, so that it moves with the files.

DAY_SECONDS = 86_400
MOVES = (301, 302, 303, 307, 308)
"""The statuses of redirects."""


class RulesDialect(StrEnum):
    """The dialect of a site's `_redirects` and `_headers`."""

    NETLIFY = "netlify"
    """A file precedes a rule without `!`; a trailing slash makes no difference."""
    CLOUDFLARE = "cloudflare"
    """A rule precedes a file; `/a` and `/a/` are two paths."""


@dataclass(frozen=True, kw_only=True)
class RedirectRule:
    """One line of `_redirects`."""

    pattern: str
    """A path from the site's root in canonical form; `:name` matches a part, `*` any rest."""
    target: str
    """A path from the site's root, or a whole URL; `:name` and `:splat` stand for what the pattern matched."""
    status: int
    """301 to 308: redirects there; 200: serves that file; 404: serves it as the not-found page."""
    is_forced: bool
    """Whether it applies even if there is a file at the path."""
    query: tuple[tuple[str, str], ...] = ()
    """Parameters that the request must have: name and value; a value `:name` matches any."""


@dataclass(frozen=True, kw_only=True)
class HeaderRule:
    """One block of `_headers`."""

    pattern: str
    sets: tuple[tuple[str, str], ...] = ()
    """Name and value; values of several rules for one name are joined with commas."""
    unsets: tuple[str, ...] = ()
    """Names that this rule removes again."""


@dataclass(frozen=True, kw_only=True)
class SiteContract:
    """How a release of a site is served; the defaults apply to a release without a contract."""

    assets: tuple[str, ...] = ()
    """Folders, each ending in a slash, whose files all releases share."""
    is_pretty: bool = False
    """Whether `/about` serves about.html, and is its only URL."""
    not_found: str = ""
    """The file to serve with status 404 if there is no file; empty: a line of text."""
    fallback: str = ""
    """The file to serve with status 200 at paths without an extension; empty: none."""
    query: tuple[str, ...] = ()
    """Query parameters of the cache key; all others are ignored."""
    encodings: tuple[Encoding, ...] = ()
    """The encodings in which the regions hold every compressible file."""
    dialect: RulesDialect = RulesDialect.NETLIFY
    redirects: tuple[RedirectRule, ...] = ()
    """In order; the first match applies."""
    headers: tuple[HeaderRule, ...] = ()
    retention_seconds: int = 30 * DAY_SECONDS
    """How long the assets of a release are kept after the site has moved on."""
