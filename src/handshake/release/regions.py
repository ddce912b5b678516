"""Regions: their settings, their buckets, and the policy that a bucket's provider needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from handshake.config.settings import Address, Settings
from handshake.config.source import Source
from handshake.core.problem import Problem

_TLS = "https"
_PORTS = {"http": 80, _TLS: 443}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of any S3 service, addressed by path: `endpoint/name/prefix/key`."""

    endpoint: str
    """`https://s3.eu-west-1.amazonaws.com`, without a trailing slash."""
    name: str
    prefix: str = ""
    """The prefix of every key, `campaign/east`; empty if the bucket is used only by this region."""
    location: str = "us-east-1"
    """The S3 region's name; part of every signature."""
    authorities: str = ""
    """A file with the CA certificates of the endpoint, if it uses TLS."""

    @property
    def is_tls(self) -> bool:
        """Whether the endpoint is asked through TLS."""
        return urlsplit(self.endpoint).scheme == _TLS

    @property
    def host(self) -> str:
        """The Host header that the endpoint expects."""
        return urlsplit(self.endpoint).netloc

    @property
    def address(self) -> str:
        """Where the endpoint listens: host and port."""
        parts = urlsplit(self.endpoint)
        return f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"

    @property
    def path(self) -> str:
        """What comes before every key in a URL's path."""
        return "/" + "/".join(part for part in (self.name, self.prefix) if part)


# What an operator writes of a region: a directory that the campaign serves itself, or a bucket at somebody else's.

_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


def _endpoint(text: str) -> str:
    if not _ENDPOINT.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a valid endpoint: write a scheme and a host, as in https://s3.example.org"
        )
    return text


def _bucket(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a valid bucket name: use 3 to 63 lower-case letters, digits, dots and dashes"
        )
    return text


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text) or not {".", ".."}.isdisjoint(text.split("/")):
        raise ValueError(
            f"{text!r} is not a valid prefix: write names with slashes between them, as in campaign/east"
        )
    return text


class RegionSettings(Settings):
    """One region of the object store: a directory on the home node, or a bucket."""

    listen: Address = Field(
        default="", description="The address of the file server, for a region that is a directory."
    )
    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        default="", description="The S3 endpoint of the region's bucket, such as `https://s3.example.org`."
    )
    bucket: Annotated[str, AfterValidator(_bucket)] = Field(
        default="",
        description="The bucket's name. Its access key is the secret `bucket-NAME`, in the form `ID:SECRET`.",
    )
    prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        default="", description="The prefix of every key. Empty if the bucket is used only by this region."
    )
    location: str = Field(
        default="us-east-1", min_length=1, description="The S3 region's name, used in signatures."
    )
    authorities: str = Field(
        default="/etc/ssl/certs/ca-certificates.crt",
        description="The CA certificates with which the ingress verifies an https endpoint.",
    )

    def as_bucket(self) -> Bucket | None:
        """Return where the region's bucket is, None if the region is a directory."""
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
                hint="Set `listen` for a directory that the campaign serves, or `endpoint` and `bucket` for S3.",
            )


# Bucket policies, in the language that every S3 reads: who may read sites, and what one site's publisher may write.

_VERSION = "2012-10-17"
_Statement = dict[str, object]


def print_policy(*statements: _Statement) -> str:
    """Return a policy's text."""
    return json.dumps({"Version": _VERSION, "Statement": list(statements)}, indent=2)


def let_visitors_read(bucket: Bucket) -> tuple[_Statement, ...]:
    """Return what lets anybody, and so the ingress, read sites and nothing else.

    The right to list is what makes a missing file a 404 at AWS, where it would be a 403.
    """
    return (
        _allow("VisitorsRead", "*", ("s3:GetObject",), _objects(bucket, "sites/*")),
        _allow("VisitorsGetNotFound", "*", ("s3:ListBucket",), _whole(bucket)) | _below(bucket, "sites/*"),
    )


def let_site_publish(bucket: Bucket, site: str, principal: str) -> tuple[_Statement, ...]:
    """Return what lets one site's publisher write its own site, and releases, which are named by their content."""
    writable = (*_objects(bucket, f"sites/{site}/*"), *_objects(bucket, "releases/*"))
    return (
        _allow(f"Publish{_word(site)}", principal, ("s3:GetObject", "s3:PutObject"), writable),
        _allow(f"List{_word(site)}", principal, ("s3:ListBucket",), _whole(bucket))
        | _below(bucket, f"sites/{site}/*", "releases/*"),
    )


def _allow(name: str, principal: str, actions: tuple[str, ...], resources: tuple[str, ...]) -> _Statement:
    who: object = "*" if principal == "*" else {"AWS": [principal]}
    return {
        "Sid": name,
        "Effect": "Allow",
        "Principal": who,
        "Action": list(actions),
        "Resource": list(resources),
    }


def _below(bucket: Bucket, *keys: str) -> _Statement:
    return {"Condition": {"StringLike": {"s3:prefix": [_full(bucket, key) for key in keys]}}}


def _objects(bucket: Bucket, key: str) -> tuple[str, ...]:
    return (f"arn:aws:s3:::{bucket.name}/{_full(bucket, key)}",)


def _whole(bucket: Bucket) -> tuple[str, ...]:
    return (f"arn:aws:s3:::{bucket.name}",)


def _full(bucket: Bucket, key: str) -> str:
    return f"{bucket.prefix}/{key}" if bucket.prefix else key


def _word(site: str) -> str:
    return "".join(part.title() for part in site.split("-"))
