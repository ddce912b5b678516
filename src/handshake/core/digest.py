"""Names made from content: SHA-256 digests."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, NewType

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits; stored whole, shown by `short`."""

_PATTERN = re.compile(r"sha256:[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20


def digest_bytes(content: bytes) -> Digest:
    """Return the digest of a byte string."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def digest_file(path: Path | str) -> Digest:
    """Return the digest of a file's content; memory stays flat in the file's size."""
    state = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 -- ten thousand Paths take longer than the hashing
        while chunk := file.read(_CHUNK_BYTES):
            state.update(chunk)
    return Digest("sha256:" + state.hexdigest())


def parse_digest(text: str) -> Digest:
    """Return `text` as a digest; raise ValueError if it is not one."""
    if not _PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is not a digest: expected sha256: and 64 hexadecimal digits")
    return Digest(text)


def digits(digest: Digest) -> str:
    """Return the 64 digits alone, as used in paths and keys."""
    return digest.removeprefix("sha256:")


def short(digest: Digest) -> str:
    """Return the first 12 digits, by which people recognise a release."""
    return digits(digest)[:12]


def canonical_json(value: Any) -> bytes:
    """Return the canonical JSON text of a value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
