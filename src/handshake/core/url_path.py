"""The canonical spelling of a URL's path, shared by redirects, the edge's cache keys and its conditions."""

from __future__ import annotations

import re
import string

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN = frozenset((string.ascii_letters + string.digits + "-._~/").encode())


def canonical_path(path: str) -> str:
    """Return a path, decoded once and encoded again: `/caf%c3%a9 (1)` becomes `/caf%C3%A9%20%281%29`.

    Letters, digits and `-._~/` are kept, everything else is encoded in capitals.
    """
    decoded = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), path.encode())
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in decoded)


def is_decodable(path: str) -> bool:
    """Return whether every percent sign starts a valid escape."""
    return not _BROKEN_ESCAPE.search(path)
