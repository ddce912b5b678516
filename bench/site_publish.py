"""Publishes one site into one bucket, as a process of its own: what a bench measures beside other programs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from handshake.core.bucket import Bucket
from handshake.core.manifest import Manifest, parse_manifest, print_manifest, release_id
from handshake.core.provenance import Provenance
from handshake.core.release import Kind, Subject
from handshake.drivers.s3.credential import Credential
from handshake.drivers.s3.store import S3Store
from handshake.site.publish import publish_site
from handshake.site.tree import read_site


def publish(url: str, folder: Path, previous: Path, *, assets: Sequence[str], variants: Path | None) -> None:
    """Publish a folder into the bucket `ours`; the file of the previous manifest holds the new one afterwards."""
    manifest = read_site(folder, assets)
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
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("url")
    words.add_argument("folder", type=Path)
    words.add_argument("previous", type=Path)
    words.add_argument("--assets", action="append", default=[])
    words.add_argument("--variants", type=Path)
    said = words.parse_args()
    publish(said.url, said.folder, said.previous, assets=said.assets, variants=said.variants)
