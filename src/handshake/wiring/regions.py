"""Regions by name -> what keeps them: a folder, a bucket, or the home node's agent."""

from __future__ import annotations

from handshake.control.bucket_keys import bucket_secret, site_secret
from handshake.control.house import House
from handshake.control.invitation import OBJECTS_SECRET
from handshake.control.secrets import Secrets
from handshake.core.objects import ObjectStore
from handshake.drivers.directory.store import DirectoryStore
from handshake.drivers.http.objects import LentStore
from handshake.drivers.s3.credential import parse_credential
from handshake.drivers.s3.store import S3Store


def open_regions(house: House, secrets: Secrets, *, site: str = "") -> tuple[ObjectStore, ...]:
    """Return every region's object store; a node that joined asks the home node for what they hold.

    Where `site` has a key of its own to a bucket, the bucket is opened with that.
    """
    if not house.is_home:
        credential = secrets.read(OBJECTS_SECRET)
        return tuple(
            LentStore(address=house.home, region=name, credential=credential) for name in house.regions
        )
    return tuple(_open_region(house, secrets, name, site) for name in house.regions)


def _open_region(house: House, secrets: Secrets, name: str, site: str) -> ObjectStore:
    if name not in house.buckets:
        return DirectoryStore(house.region(name), name)
    own = site_secret(name, site)
    key = parse_credential(secrets.read(own if site and secrets.has(own) else bucket_secret(name)), name)
    return S3Store(house.buckets[name], key, name)
