"""What one program has written into a bucket: the tag with which the S3 answered each time.

The S3 compared the body with its signed SHA-256 before it answered. An object that is listed under the same tag
still has that body, so ten requests read back what would take ten thousand. No meaning is read into a tag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from handshake.core.digest import Digest

_FEW = 64
"""Objects of one folder that are rather asked for one by one."""
_DEPTH = 3
"""Parts of a key that are a folder here: a site's assets, or the documents of one of its releases."""


class Written:
    """Key -> tag and digest. Several threads may note at once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Digest]] = {}

    def note(self, key: str, tag: str | None, digest: Digest) -> None:
        """Remember an object; one that got no tag is not remembered."""
        if tag:
            self._known[key] = tag, digest

    def find(self, key: str, tag: str | None) -> Digest | None:
        """Return an object's digest where it has the tag that it got when it was written here."""
        known = self._known.get(key)
        return known[1] if known and known[0] == tag else None

    def crowded_folders(self, keys: Collection[str]) -> list[str]:
        """Return the folders of which so much was written that listing them is quicker than asking."""
        folders = Counter(_folder(key) for key in keys if key in self._known)
        return sorted(folder for folder, count in folders.items() if count > _FEW)


def _folder(key: str) -> str:
    return "/".join(key.split("/", _DEPTH)[:_DEPTH])
