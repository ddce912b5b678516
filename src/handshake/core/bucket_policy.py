"""Bucket policies, in the language that every S3 reads: who may read sites, and what one site's publisher may write."""

from __future__ import annotations

import json

from handshake.core.bucket import Bucket

_VERSION = "2012-10-17"
_Statement = dict[str, object]


def print_policy(*statements: _Statement) -> str:
    """Return a policy's text."""
    return json.dumps({"Version": _VERSION, "Statement": list(statements)}, indent=2)


def let_visitors_read(bucket: Bucket) -> tuple[_Statement, ...]:
    """Return what lets anybody, and so the door, read sites and nothing else.

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
