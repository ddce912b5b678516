"""A region's object store on a joined node: read-only, through the home node's agent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import urllib3

from handshake.core.digest import Digest, digest_bytes
from handshake.core.errors import RefusedError, UnavailableError
from handshake.release.manifest import Encoding
from handshake.release.objects import ObjectInfo

_OK, _MISSING = 200, 404


class LentStore:
    """Keeps the reading half of the ObjectStore Protocol; every write is refused, for releases are made at home."""

    def __init__(self, *, address: str, region: str, credential: str, timeout_seconds: float = 10.0) -> None:
        self._address = address
        self._region = region
        self._http = urllib3.PoolManager(
            timeout=timeout_seconds, retries=False, headers={"Authorization": f"Bearer {credential}"}
        )

    @property
    def region(self) -> str:
        """The region's name."""
        return self._region

    def get(self, key: str) -> bytes | None:
        """Return an object's content, None if there is none. UnavailableError."""
        answer = self._ask("object", key)
        return None if answer.status == _MISSING else answer.data

    def download(self, key: str, target: Path) -> bool:
        """Write an object's content to a file; False if there is no such object."""
        content = self.get(key)
        if content is not None:
            target.write_bytes(content)
        return content is not None

    def info(self, key: str) -> ObjectInfo | None:
        """Return what the store knows of an object, read in full to know it."""
        content = self.get(key)
        if content is None:
            return None
        return ObjectInfo(key=key, size=len(content), digest=digest_bytes(content))

    def recall(self, keys: Collection[str]) -> Mapping[str, Digest]:
        """Return nothing: nothing is written from here."""
        del keys
        return {}

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key under a prefix, sorted."""
        yield from self._ask("keys", prefix).json()

    def put(
        self,
        key: str,
        content: Path | bytes,
        *,
        content_type: str = "",
        cache_control: str = "",
        encoding: Encoding | None = None,
    ) -> None:
        """Refuse."""
        del content, content_type, cache_control, encoding
        self._refuse(key)

    def copy(self, source: str, target: str) -> None:
        """Refuse."""
        del source
        self._refuse(target)

    def delete(self, keys: Iterable[str]) -> None:
        """Refuse."""
        self._refuse(", ".join(keys))

    def _ask(self, what: str, key: str) -> urllib3.BaseHTTPResponse:
        url = f"http://{self._address}/objects/{self._region}/{what}/{quote(key)}"
        try:
            answer = self._http.request("GET", url)
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(
                f"region {self._region} does not answer at {self._address}",
                hint="The home node's agent serves the regions' objects: check that it is up and reachable.",
                details=str(error),
            ) from error
        if answer.status not in {_OK, _MISSING}:
            details = f"{answer.status} {answer.data[:200].decode(errors='replace')}"
            raise UnavailableError(f"region {self._region} is not served by {self._address}", details=details)
        return answer

    def _refuse(self, key: str) -> NoReturn:
        raise RefusedError(f"{key} cannot be written from this node", hint="Publish on the home node.")
