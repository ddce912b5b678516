"""A manifest: the files that a release is made of. Its digest is the release's id."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property

from handshake.core.digest import Digest, canonical_json, digest_bytes
from handshake.core.release import Kind

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
