"""What an S3 says, in the platform's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from handshake.core.bucket import Bucket
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError

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
            what, hint = "refuses the secret of the access key", "Write the secret that belongs to its id."
        case "InvalidAccessKeyId":
            what, hint = "does not know the access key", "Write one that exists there, or make it anew."
        case "RequestTimeTooSkewed" | "RequestExpired":
            what, hint = "finds this machine's clock wrong", "Keep time with NTP, then try again."
        case "KeyTooLongError" | "EntityTooLarge" | "InvalidObjectName":
            what, hint = "cannot hold this object", "Shorten its name, or make the file smaller."
        case "NoSuchKey":
            what, hint = "has no such object", "Put it instead."
        case _ if code == "AccessDenied" or status in _FORBIDDEN:
            what = "does not let this access key read or write"
            hint = "Let the bucket's policy allow it to get, put, list and delete objects under the region's prefix."
        case _:
            what = f"region {region} does not answer: {place}"
            hint = "Is the endpoint right, and is there a way to it? What was written stays; try again later."
            return UnavailableError(what, hint=hint, details=details)
    return RefusedError(f"region {region} {what}: {place}", hint=hint, details=details)


def missing_bucket(bucket: Bucket, region: str, details: str = "") -> UnavailableError:
    """Return the error for a bucket that is not there, which is never taken for an empty one."""
    return UnavailableError(
        f"region {region} does not answer: {bucket.endpoint} has no bucket {bucket.name}",
        hint="Make the bucket if the region is new, or correct its name in handshake.toml.",
        details=details,
    )


def _find(pattern: re.Pattern[str], said: str) -> str:
    found = pattern.search(said)
    return found[1] if found else ""
