"""Which keys objects may have, the same in every store: those that stay inside a directory and read alike in a URL."""

from __future__ import annotations

import unicodedata

from handshake.core.errors import RefusedError

INCOMING = ".incoming"
"""Where the directory store writes files before they get their name; no key begins with it."""

_KEY_BYTES = 1024
_PART_BYTES = 255


def check_key(key: str) -> str:
    """Return the key; RefusedError says why no store holds it."""
    if why := _fault(key):
        raise RefusedError(
            f"{key[:100]!r} is no key of an object: {why}",
            hint="a key is a relative path such as sites/calls/index.html",
        )
    return key


def check_prefix(prefix: str) -> str:
    """Return a prefix of keys, which may be empty, end in a slash or in mid-name; RefusedError as for keys."""
    check_key(f"{prefix}x")
    return prefix


def _fault(key: str) -> str:
    parts = key.split("/")
    if not all(parts):
        return "it is empty, or begins or ends with a slash, or has two in a row"
    if "." in parts or ".." in parts:
        return "it holds a part . or .."
    if parts[0] == INCOMING:
        return f"{INCOMING} is the directory store's own"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in key):
        return "it holds a control character, or one that UTF-8 cannot carry"
    if len(key.encode()) > _KEY_BYTES or any(len(part.encode()) > _PART_BYTES for part in parts):
        return f"it is longer than {_KEY_BYTES} bytes, or a part of it than {_PART_BYTES}"
    return ""
