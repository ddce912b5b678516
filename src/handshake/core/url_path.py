"""The one spelling of a URL's path, which redirects, the edge's keys and its conditions share."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def canonical_path(path: str) -> str:
    """Return a path decoded once and encoded again: `/caf%c3%a9 (1)` becomes `/caf%C3%A9%20%281%29`.

    Letters, digits and `-._~/` stand for themselves, everything else is encoded in capitals.
    """
    return quote(unquote_to_bytes(path), safe="/")


def is_decodable(path: str) -> bool:
    """Tell whether every percent sign begins an escape."""
    return not _BROKEN_ESCAPE.search(path)
