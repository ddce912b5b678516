"""The certificates that the door serves: whatever lies in one folder, and a digest that says when it changed."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest_certificates(folder: Path | None) -> str:
    """Return a digest of every certificate in a folder; empty where the door serves no TLS.

    It becomes part of the door's configuration, so a renewed certificate is a new configuration: checked, loaded by a
    reload that loses nothing, and read back.
    """
    if folder is None:
        return ""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix == ".pem":
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
