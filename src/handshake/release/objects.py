"""An object store as all features see it: valid keys, and the layout of a region."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.release.manifest import Encoding
from handshake.release.signature import KeyId


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """A store's description of one object."""

    key: str
    size: int
    """Bytes."""
    digest: Digest | None
    """The content's digest if the store keeps it, None if the content must be read to know it."""


class ObjectStore(Protocol):
    """One region's objects. Keys are `/`-separated paths. Every object is written whole or not at all."""

    @property
    def region(self) -> str:
        """The region's name."""
        ...

    def put(
        self,
        key: str,
        content: Path | bytes,
        *,
        content_type: str = "",
        cache_control: str = "",
        encoding: Encoding | None = None,
    ) -> None:
        """Write an object: atomic, durable when it returns, idempotent. UnavailableError, RefusedError.

        `encoding` is how the content is compressed already, None if it is not; nothing is compressed here.
        """
        ...

    def get(self, key: str) -> bytes | None:
        """Return an object's content, None if there is none. UnavailableError."""
        ...

    def download(self, key: str, target: Path) -> bool:
        """Write an object's content to a file, flat in memory; False if there is no such object."""
        ...

    def info(self, key: str) -> ObjectInfo | None:
        """Return what the store knows of an object, None if there is none."""
        ...

    def recall(self, keys: Collection[str]) -> Mapping[str, Digest]:
        """Return the digests of objects that stand there as this program wrote them, where many can be told at once.

        What is left out may be there all the same and must be asked for one by one. UnavailableError.
        """
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key under a prefix, sorted."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside the store, atomic like put."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is missing is not an error."""
        ...


def blob_key(digest: Digest) -> str:
    """Return where a blob lies."""
    plain = digest.removeprefix("sha256:")
    return f"blobs/{plain[:2]}/{plain}"


def manifest_key(release: Digest) -> str:
    """Return where a release's manifest lies."""
    return f"releases/{release.removeprefix('sha256:')}/manifest.json"


def provenance_key(release: Digest, provenance: Digest) -> str:
    """Return where one provenance of a release lies."""
    return f"releases/{release.removeprefix('sha256:')}/provenance/{provenance.removeprefix('sha256:')[:12]}.json"


def signature_key(release: Digest, key: KeyId) -> str:
    """Return where a key's signature of a release lies."""
    return f"{signature_prefix(release)}{key}"


def signature_prefix(release: Digest) -> str:
    """Return what the keys of all signatures of a release start with."""
    return f"releases/{release.removeprefix('sha256:')}/signatures/"


def document_key(site: str, release: Digest, path: str) -> str:
    """Return where a site's document lies: the release is in the key, so nothing there ever changes."""
    return f"{document_prefix(site, release)}{path}"


def document_prefix(site: str, release: Digest) -> str:
    """Return what the keys of all documents of one release of a site start with."""
    return f"sites/{site}/{release.removeprefix('sha256:')}/"


def asset_key(site: str, path: str) -> str:
    """Return where a site's asset lies, shared by all releases: the hash is in the file's name."""
    return f"{asset_prefix(site)}{path}"


def asset_prefix(site: str) -> str:
    """Return what the keys of all assets of a site start with."""
    return f"sites/{site}/assets/"


def document_variant_key(site: str, release: Digest, encoding: Encoding, path: str) -> str:
    """Return where the compressed variant of a site's document lies."""
    return f"{document_prefix(site, release)}{encoding.folder}{path}"


def asset_variant_key(site: str, encoding: Encoding, path: str) -> str:
    """Return where the compressed variant of a site's asset lies."""
    return f"{asset_prefix(site)}{encoding.folder}{path}"


# Which keys objects may have, the same in every store: those that stay inside a directory and read alike in a URL.

INCOMING = ".incoming"
"""Where the directory store writes files before they get their name; keys cannot start with it."""

_KEY_BYTES = 1024
_PART_BYTES = 255


def check_key(key: str) -> str:
    """Return the key; RefusedError says why no store holds it."""
    if why := _fault(key):
        raise RefusedError(
            f"{key[:100]!r} is not a valid object key: {why}",
            hint="Use a relative path such as sites/calls/index.html",
        )
    return key


def check_prefix(prefix: str) -> str:
    """Return a prefix of keys, which may be empty, end in a slash or in mid-name; RefusedError as for keys."""
    check_key(f"{prefix}x")
    return prefix


def _fault(key: str) -> str:
    parts = key.split("/")
    if not all(parts):
        return "it is empty, or starts or ends with a slash, or has two in a row"
    if "." in parts or ".." in parts:
        return "it contains a part . or .."
    if parts[0] == INCOMING:
        return f"{INCOMING} is reserved for the directory store"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in key):
        return "it contains a control character, or one that UTF-8 cannot encode"
    if len(key.encode()) > _KEY_BYTES or any(len(part.encode()) > _PART_BYTES for part in parts):
        return f"it is longer than {_KEY_BYTES} bytes, or a part of it than {_PART_BYTES}"
    return ""
