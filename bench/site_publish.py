"""Publishes one site into one bucket, as a process of its own: what a bench measures beside other programs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from handshake.core.bucket import Bucket
from handshake.core.manifest import Manifest, parse_manifest, print_manifest, release_id
from handshake.core.provenance import Provenance
from handshake.core.release import Kind, Subject
from handshake.drivers.s3.credential import Credential
from handshake.drivers.s3.store import S3Store
from handshake.site.publish import publish_site
from handshake.site.tree import read_site


def publish(url: str, folder: Path, previous: Path, variants: Path | None) -> None:
    """Publish a folder into the bucket `ours`; the file of the previous manifest holds the new one afterwards."""
    manifest = read_site(folder, ["assets/"])
    store = S3Store(Bucket(endpoint=url, name="ours"), Credential(id="root", secret="bench"), "east")
    publish_site(
        [store],
        manifest,
        folder,
        site="calls",
        previous=parse_manifest(previous.read_bytes()) if previous.exists() else None,
        provenance=_made(manifest),
        report=lambda _: None,
        variants=variants,
    )
    previous.write_bytes(print_manifest(manifest))


def _made(manifest: Manifest) -> Provenance:
    return Provenance(
        subject=Subject(kind=Kind.SITE, name="calls"),
        release=release_id(manifest),
        source="bench",
        commit="",
        builder="bench",
        made_at=time.time(),
    )


if __name__ == "__main__":
    address, site, before, *cache = sys.argv[1:]
    publish(address, Path(site), Path(before), Path(cache[0]) if cache else None)
