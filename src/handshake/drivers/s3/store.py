"""The object store over a bucket. The digest of an object's content is kept in its metadata, never read off an ETag."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Client

from handshake.core.digest import Digest, digest_bytes, digest_file, digits, parse_digest
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.release.manifest import Encoding
from handshake.release.objects import ObjectInfo, check_key, check_prefix
from handshake.release.regions import Bucket

# The key with which a bucket is written: an id and a secret, one text in a secret's file.


@dataclass(frozen=True, kw_only=True)
class Credential:
    """An access key."""

    id: str
    secret: str = field(repr=False)


def parse_credential(text: str, region: str) -> Credential:
    """Return the access key that stands in a secret's file as `ID:SECRET`; RefusedError shows nothing of it."""
    key, colon, secret = text.strip().partition(":")
    if not (key and colon and secret):
        raise RefusedError(
            f"the credential of region {region} cannot be read",
            hint="Its file must contain one line: the access key's id, a colon, and its secret.",
        )
    return Credential(id=key, secret=secret)


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
        """Return an object's content, None if there is none. UnavailableError."""
        found = self._find(key)
        if found is None:
            return None
        with translate_errors(self._bucket, self._region):
            return bytes(found.bytes())

    def download(self, key: str, target: Path) -> bool:
        """Write an object's content to a file, flat in memory; False if there is no such object."""
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
        """Remove objects; one that is missing is not an error."""
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
                self._require_bucket()
                return None

    def _require_bucket(self) -> None:
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
            f"{content} cannot be read", hint="It must be a file that this user can read.", details=str(error)
        ) from error


def _said_digest(attributes: obstore.Attributes) -> Digest | None:
    said = str(attributes.get(_DIGEST, ""))
    try:
        return parse_digest(f"sha256:{said}") if said else None
    except ValueError:
        return None


# What one program has written into a bucket: the tag with which the S3 answered each time.
#
# The S3 compared the body with its signed SHA-256 before it answered. An object that is listed under the same tag
# still has that body, so ten requests read back what would take ten thousand. No meaning is read into a tag.

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


# What an S3 says, in the platform's words.

_CODE = re.compile(r"(?:<Code>|\(code: )(\w+)(?:</Code>|\))")
_STATUS = re.compile(r"status code: (\d{3})")
_DETAIL_CHARACTERS = 600
_FORBIDDEN = ("401", "403")


@contextmanager
def translate_errors(bucket: Bucket, region: str) -> Iterator[None]:
    """Turn whatever the client raises in the block into RefusedError or UnavailableError with a hint."""
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        raise translate(str(error), bucket, region) from error


def says_no_bucket(said: str) -> bool:
    """Whether a `not found` is about the bucket, and not about an object in it."""
    return _find(_CODE, said) == "NoSuchBucket"


def says_denied(said: str) -> bool:
    """Whether an S3 knows the access key and does not let it do this."""
    return _find(_CODE, said) == "AccessDenied"


def translate(said: str, bucket: Bucket, region: str) -> HandshakeError:
    """Return the error that an S3's answer means: a refusal where trying again changes nothing."""
    code, status = _find(_CODE, said), _find(_STATUS, said)
    details = said.partition("\n\nDebug source")[0][:_DETAIL_CHARACTERS]
    place = f"bucket {bucket.name} at {bucket.endpoint}"
    match code:
        case "NoSuchBucket":
            return missing_bucket(bucket, region, details)
        case "SignatureDoesNotMatch":
            what, hint = (
                "refuses the secret of the access key",
                "Store the secret that belongs to the key's id.",
            )
        case "InvalidAccessKeyId":
            what, hint = "does not know the access key", "Store one that exists there, or create a new one."
        case "RequestTimeTooSkewed" | "RequestExpired":
            what, hint = "rejects this machine's clock", "Synchronise the clock with NTP, then try again."
        case "KeyTooLongError" | "EntityTooLarge" | "InvalidObjectName":
            what, hint = "cannot store this object", "Shorten its name, or make the file smaller."
        case "NoSuchKey":
            what, hint = "has no such object", "Upload it instead."
        case _ if code == "AccessDenied" or status in _FORBIDDEN:
            what = "does not let this access key read or write"
            hint = "Change the bucket's policy to allow it to get, put, list and delete objects under the region's prefix."
        case _:
            what = f"region {region} does not answer: {place}"
            hint = "Check that the endpoint is correct and reachable. Uploaded objects are kept; try again later."
            return UnavailableError(what, hint=hint, details=details)
    return RefusedError(f"region {region} {what}: {place}", hint=hint, details=details)


def missing_bucket(bucket: Bucket, region: str, details: str = "") -> UnavailableError:
    """Return the error for a bucket that is not there, which is never taken for an empty one."""
    return UnavailableError(
        f"region {region} does not answer: {bucket.endpoint} has no bucket {bucket.name}",
        hint="Create the bucket if the region is new, or correct its name in handshake.toml.",
        details=details,
    )


def _find(pattern: re.Pattern[str], said: str) -> str:
    found = pattern.search(said)
    return found[1] if found else ""
