"""A campaign's secrets: created at the first start, in files of mode 0600, never in a release or a log."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from handshake.core.atomic_file import write_atomically

_BYTES = 24


class Secrets:
    """Reads and creates the secrets of one campaign."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ensure(self, names: Iterable[str]) -> None:
        """Create every secret that does not exist yet."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        for name in names:
            if not self._file(name).exists():
                self._write(name, secrets.token_urlsafe(_BYTES))

    def ensure_catalog(self) -> Path:
        """Create the catalogue's credentials if they do not exist yet, and return the file that holds them."""
        self.ensure(())
        if not self._file("catalog").exists():
            pair = {kind: secrets.token_urlsafe(_BYTES) for kind in ("write", "read")}
            self._write("catalog", json.dumps(pair))
        return self._file("catalog")

    def catalog_credential(self) -> str:
        """Return the credential that may write to the catalogue."""
        credential: str = json.loads(self._file("catalog").read_text())["write"]
        return credential

    def read(self, name: str) -> str:
        """Return one secret."""
        return self._file(name).read_text(encoding="utf-8")

    def has(self, name: str) -> bool:
        """Return whether a secret exists here."""
        return self._file(name).exists()

    def written_at(self, name: str) -> float:
        """Return when a secret was written, in seconds since the epoch."""
        return self._file(name).stat().st_mtime

    def write(self, name: str, value: str) -> None:
        """Store a secret that was created elsewhere; durable on return."""
        self.ensure(())
        self._write(name, value)

    def destroy(self, name: str) -> None:
        """Remove a secret; removing a missing one is not an error."""
        self._file(name).unlink(missing_ok=True)

    def digest(self, values: Iterable[str]) -> str:
        """Return a keyed digest of secrets: part of a generation, so that a rotation replaces instances."""
        key = self.read("freshness").encode()
        return hmac.new(key, "\0".join(values).encode(), "sha256").hexdigest()[:16]

    def _file(self, name: str) -> Path:
        return self._folder / name

    def _write(self, name: str, value: str) -> None:
        write_atomically(self._file(name), value, mode=0o600)
