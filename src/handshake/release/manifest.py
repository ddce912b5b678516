"""A manifest: the files that a release is made of, and how they are served. Its digest is the release's id."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from handshake.core.digest import Digest, canonical_json, digest_bytes
from handshake.core.subject import Kind

FORMAT = 1
LINK_MODE = 0o120000
"""The mode of a symbolic link, as git writes it: the content is where it leads. Base images alone have links."""


@dataclass(frozen=True, kw_only=True, order=True)
class ManifestFile:
    """One file of a release."""

    path: str
    """Relative, `/` between its parts, never `..`."""
    digest: Digest
    size: int
    """Bytes."""
    mode: int = 0o644
    """0o644 or 0o755; what a tree is materialised with. Or LINK_MODE."""
    content_type: str = ""
    """Only where visitors fetch the file by itself: in a site."""

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link."""
        return self.mode == LINK_MODE


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a release is: kind, base, contract and files; nothing about who made it or when."""

    kind: Kind
    files: tuple[ManifestFile, ...]
    """Sorted by path, each path once."""
    base: str = ""
    """For an image: `host`, or the base image's release id."""
    contract: dict[str, object] = field(default_factory=dict)
    """What the release promises or asks for: plain JSON values (an image's command, health and stores;
    a site's asset prefixes)."""

    def __post_init__(self) -> None:
        paths = [file.path for file in self.files]
        if paths != sorted(set(paths)):
            raise ValueError("a manifest's files are sorted by path and each path stands once")

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
        raise ValueError(f"this is no manifest: {error}") from error


def release_id(manifest: Manifest) -> Digest:
    """Return the release's id: the digest of its manifest."""
    return manifest.id


# Which files of a site stand in every region compressed too, and in which encodings.


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


# What a site's release says of how it is served: part of its manifest, so that it moves with the files.

DAY_SECONDS = 86_400
MOVES = (301, 302, 303, 307, 308)
"""The statuses that send a visitor to another address."""


class RulesDialect(StrEnum):
    """Whose way of reading `_redirects` and `_headers` a site was written for."""

    NETLIFY = "netlify"
    """A file goes before a rule without `!`; a slash at the end of a path makes no difference."""
    CLOUDFLARE = "cloudflare"
    """A rule goes before a file; `/a` and `/a/` are two paths."""


@dataclass(frozen=True, kw_only=True)
class RedirectRule:
    """One line of `_redirects`."""

    pattern: str
    """A path from the site's root in its one spelling; `:name` stands for a part, `*` for any rest."""
    target: str
    """A path from the site's root, or a whole URL; `:name` and `:splat` stand for what the pattern found."""
    status: int
    """301 to 308: sends the visitor there; 200: shows that file here; 404: shows it as the not-found page."""
    is_forced: bool
    """Whether it holds where a file stands at the path too."""
    query: tuple[tuple[str, str], ...] = ()
    """Parameters that the request must carry: name and value; a value `:name` takes any."""


@dataclass(frozen=True, kw_only=True)
class HeaderRule:
    """One block of `_headers`."""

    pattern: str
    sets: tuple[tuple[str, str], ...] = ()
    """Name and value; what several rules say of one name is joined with a comma."""
    unsets: tuple[str, ...] = ()
    """Names that this rule takes off again."""


@dataclass(frozen=True, kw_only=True)
class SiteContract:
    """How a release of a site is served; the defaults are those of a release that says nothing."""

    assets: tuple[str, ...] = ()
    """Folders, each ending in a slash, whose files all releases share."""
    is_pretty: bool = False
    """Whether `/about` shows about.html, and is its only address."""
    not_found: str = ""
    """The file that is shown, with status 404, where there is no file; empty: a line of text."""
    fallback: str = ""
    """The file that is shown, with status 200, at paths without an extension; empty: none."""
    query: tuple[str, ...] = ()
    """Parameters that tell apart what the cache keeps; all others are left out of its keys."""
    encodings: tuple[Encoding, ...] = ()
    """In which every compressible file stands in the regions too."""
    dialect: RulesDialect = RulesDialect.NETLIFY
    redirects: tuple[RedirectRule, ...] = ()
    """In their order; the first that matches counts."""
    headers: tuple[HeaderRule, ...] = ()
    retention_seconds: int = 30 * DAY_SECONDS
    """How long the assets of a release are kept after the site has moved on."""
