"""What an operator writes of a region: a directory that the house serves itself, or a bucket at somebody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from handshake.config.settings import Settings
from handshake.config.source import Source
from handshake.control.address import Address
from handshake.core.bucket import Bucket
from handshake.core.problem import Problem

_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


def _endpoint(text: str) -> str:
    if not _ENDPOINT.fullmatch(text):
        raise ValueError(f"{text!r} is no endpoint: write a scheme and a host, as in https://s3.example.org")
    return text


def _bucket(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        raise ValueError(f"{text!r} is no bucket: 3 to 63 lower-case letters, digits, dots and dashes")
    return text


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text) or not {".", ".."}.isdisjoint(text.split("/")):
        raise ValueError(f"{text!r} is no prefix: write names with slashes between them, as in campaign/east")
    return text


class RegionSettings(Settings):
    """One region of the object store: a directory of the home node, or a bucket."""

    listen: Address = Field(
        default="", description="Where the file server of a region that is a directory listens."
    )
    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        default="", description="The S3 that holds the region's bucket, as in `https://s3.example.org`."
    )
    bucket: Annotated[str, AfterValidator(_bucket)] = Field(
        default="", description="The bucket. Its access key is the secret `bucket-NAME`, `ID:SECRET`."
    )
    prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        default="", description="What comes before every key; empty where the bucket is the region's alone."
    )
    location: str = Field(
        default="us-east-1", min_length=1, description="What the S3 calls its region; part of signatures."
    )
    authorities: str = Field(
        default="/etc/ssl/certs/ca-certificates.crt",
        description="The certificates by which the door knows an https endpoint.",
    )

    def as_bucket(self) -> Bucket | None:
        """Return where the region's bucket is, None where the region is a directory."""
        if not self.bucket:
            return None
        return Bucket(
            endpoint=self.endpoint,
            name=self.bucket,
            prefix=self.prefix,
            location=self.location,
            authorities=self.authorities,
        )


def check_regions(regions: Iterable[tuple[str, RegionSettings]], source: Source) -> Iterator[Problem]:
    """Yield a problem for every region that is neither a directory nor a bucket, or both."""
    for name, region in regions:
        is_directory, is_bucket = bool(region.listen), bool(region.endpoint and region.bucket)
        if is_directory is is_bucket or (is_directory and (region.endpoint or region.bucket)):
            yield Problem(
                check="region-form",
                what=f"region {name} must be either a directory or a bucket",
                where=source.at("regions", name),
                hint="Write listen for a directory that the house serves, or endpoint and bucket for an S3.",
            )
