"""Which objects of a region the kept releases need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handshake.core.compressible import Encoding
from handshake.core.digest import Digest, digits
from handshake.core.manifest import Manifest
from handshake.core.release import Kind

ROOTS = ("blobs/", "releases/", "sites/")
"""Where releases lie; what else a region holds is nobody's business here."""
_ASSETS = "assets"
_VARIANTS = tuple(encoding.folder for encoding in Encoding)


@dataclass(frozen=True, kw_only=True)
class References:
    """Everything that the kept releases are made of."""

    releases: frozenset[str]
    """As digits, as they stand in keys."""
    blobs: frozenset[str]
    paths: frozenset[str]
    """Of files of kept sites. An asset of another site under such a path is kept too: rather one too many."""

    def needs(self, key: str) -> bool:
        """Tell whether an object is needed; what is laid out as nothing of ours is."""
        match key.split("/", 3):
            case ["blobs", _, blob]:
                return blob in self.blobs
            case ["releases", release, *_]:
                return release in self.releases
            case ["sites", _, folder, path] if folder == _ASSETS:
                return _identity(path) in self.paths
            case ["sites", _, release, _]:
                return release in self.releases
            case _:
                return True


def collect_references(kept: Mapping[Digest, Manifest]) -> References:
    """Return what the kept releases need."""
    sites = [manifest for manifest in kept.values() if manifest.kind is Kind.SITE]
    others = [manifest for manifest in kept.values() if manifest.kind is not Kind.SITE]
    return References(
        releases=frozenset(digits(release) for release in kept),
        blobs=frozenset(digits(file.digest) for manifest in others for file in manifest.files),
        paths=frozenset(file.path for manifest in sites for file in manifest.files),
    )


def find_unneeded(keys: Iterable[str], references: References) -> tuple[str, ...]:
    """Return the objects that nothing needs, manifests first: a release without one is none."""
    unneeded = [key for key in keys if not references.needs(key)]
    return tuple(sorted(unneeded, key=lambda key: (not key.endswith("/manifest.json"), key)))


def _identity(path: str) -> str:
    """Return the path of the file of which this is a compressed variant, or itself."""
    for folder in _VARIANTS:
        if path.startswith(folder):
            return path.removeprefix(folder)
    return path
