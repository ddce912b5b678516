"""The object store over a bucket. The digest of an object's content is kept in its metadata, never read off an ETag."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Client

from handshake.core.bucket import Bucket
from handshake.core.compressible import Encoding
from handshake.core.digest import Digest, digest_bytes, digest_file, digits, parse_digest
from handshake.core.errors import RefusedError
from handshake.core.object_key import check_key, check_prefix
from handshake.core.objects import ObjectInfo
from handshake.drivers.s3.credential import Credential
from handshake.drivers.s3.refusal import missing_bucket, says_denied, says_no_bucket, translate_errors
from handshake.drivers.s3.written import Written

_DIGEST = "sha256"
"""On the wire `x-amz-meta-sha256`."""
_CHUNK_BYTES = 8 << 20
_PARTS_AT_ONCE = 4
"""Of one large file: what memory one upload takes is this many chunks, whatever the file's size."""
_RETRIES = 3
_RETRY_SECONDS = 20


class S3Store:
    """One region in a bucket. Keeps the ObjectStore Protocol; any number of threads and processes may use it at once.

    Every body is signed with its SHA-256, so the provider refuses what did not arrive as it was sent.
    """

    def __init__(self, bucket: Bucket, credential: Credential, region: str) -> None:
        self._bucket = bucket
        self._region = region
        self._client = _connect(bucket, credential)
        self._is_bucket_known = False
        self._written = Written()

    @property
    def region(self) -> str:
        """The region's name."""
        return self._region

    def put(
        self,
        key: str,
        content: Path | bytes,
        *,
        content_type: str = "",
        cache_control: str = "",
        encoding: Encoding | None = None,
    ) -> None:
        """Write an object: atomic, durable when it returns, idempotent. UnavailableError, RefusedError."""
        digest = _digest(content)
        said = {
            "Content-Type": content_type,
            "Cache-Control": cache_control,
            "Content-Encoding": encoding.value if encoding else "",
            _DIGEST: digits(digest),
        }
        with translate_errors(self._bucket, self._region):
            answer = obstore.put(
                self._client,
                check_key(key),
                content,
                attributes={name: value for name, value in said.items() if value},
                chunk_size=_CHUNK_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        self._written.note(key, answer["e_tag"], digest)

    def get(self, key: str) -> bytes | None:
        """Return an object's content, None where there is none. UnavailableError."""
        found = self._find(key)
        if found is None:
            return None
        with translate_errors(self._bucket, self._region):
            return bytes(found.bytes())

    def download(self, key: str, target: Path) -> bool:
        """Write an object's content to a file, flat in memory; False where there is no such object."""
        found = self._find(key)
        if found is None:
            return False
        with target.open("wb") as file, translate_errors(self._bucket, self._region):
            for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
                file.write(chunk)
        return True

    def info(self, key: str) -> ObjectInfo | None:
        """Return what the store knows of an object; its digest is what its publisher said of it."""
        found = self._find(key, is_head=True)
        if found is None:
            return None
        return ObjectInfo(key=key, size=found.meta["size"], digest=_said_digest(found.attributes))

    def recall(self, keys: Collection[str]) -> Mapping[str, Digest]:
        """Return the digests of what is listed with the tag that it got when this program wrote it."""
        listed = [each for folder in self._written.crowded_folders(keys) for each in self._list(folder)]
        wanted = ((each["path"], self._written.find(each["path"], each["e_tag"])) for each in listed)
        found = {key: digest for key, digest in wanted if digest}
        return {key: found[key] for key in keys if key in found}

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key under a prefix, sorted."""
        listed = self._list(check_prefix(prefix).rpartition("/")[0])
        yield from sorted(each["path"] for each in listed if each["path"].startswith(prefix))

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside the store, atomic like put; RefusedError where there is no such source."""
        origin, goal = check_key(source), check_key(target)
        with translate_errors(self._bucket, self._region):
            obstore.copy(self._client, origin, goal)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is missing is no error."""
        wanted = [check_key(key) for key in keys]
        with translate_errors(self._bucket, self._region):
            obstore.delete(self._client, wanted)

    def _list(self, folder: str) -> list[obstore.ObjectMeta]:
        with translate_errors(self._bucket, self._region):
            return [each for page in obstore.list(self._client, folder or None) for each in page]

    def _find(self, key: str, *, is_head: bool = False) -> obstore.GetResult | None:
        with translate_errors(self._bucket, self._region):
            try:
                return obstore.get(self._client, check_key(key), options={"head": is_head})
            except FileNotFoundError as error:
                if says_no_bucket(str(error)):
                    raise
                self._demand_bucket()
                return None

    def _demand_bucket(self) -> None:
        """Tell a missing bucket from a missing object, which answer a HEAD alike; asked once."""
        if self._is_bucket_known:
            return
        try:
            next(iter(obstore.list(self._client, chunk_size=1)), None)
        except FileNotFoundError as error:
            raise missing_bucket(self._bucket, self._region, str(error)) from error
        except BaseError as error:
            # The bucket is there where listing it is refused: who publishes one site may list that site alone.
            if not says_denied(str(error)):
                raise
        self._is_bucket_known = True


def _connect(bucket: Bucket, credential: Credential) -> Client:
    return Client(
        bucket.name,
        prefix=bucket.prefix or None,
        endpoint=bucket.endpoint,
        region=bucket.location,
        access_key_id=credential.id,
        secret_access_key=credential.secret,
        virtual_hosted_style_request=False,
        client_options={"allow_http": not bucket.is_tls, "connect_timeout": "3s", "timeout": "120s"},
        retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
    )


def _digest(content: Path | bytes) -> Digest:
    if isinstance(content, bytes):
        return digest_bytes(content)
    try:
        return digest_file(content)
    except OSError as error:
        raise RefusedError(
            f"{content} cannot be read", hint="it must be a file that this user may read", details=str(error)
        ) from error


def _said_digest(attributes: obstore.Attributes) -> Digest | None:
    said = str(attributes.get(_DIGEST, ""))
    try:
        return parse_digest(f"sha256:{said}") if said else None
    except ValueError:
        return None
