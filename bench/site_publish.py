"""Publishes one site into one bucket, as a process of its own: what a bench measures beside other programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from handshake.core.digest import parse_digest
from handshake.core.subject import Kind, Subject
from handshake.drivers.s3.store import Credential, S3Store
from handshake.release.manifest import Manifest, release_id
from handshake.release.provenance import Provenance
from handshake.release.regions import Bucket
from handshake.release.store import load_manifest
from handshake.release.tree import Seen
from handshake.site.release import read_site
from handshake.site.upload import publish_site


def publish(url: str, folder: Path, previous: Path, *, assets: Sequence[str], variants: Path | None) -> None:
    """Publish a folder into the bucket `ours`; a file holds which release was published before, and then this one."""
    seen = Seen(previous.with_suffix(".seen"), time.time())
    manifest = read_site(folder, assets, seen)
    seen.keep()
    store = S3Store(Bucket(endpoint=url, name="ours"), Credential(id="root", secret="bench"), "east")
    before = parse_digest(previous.read_text()) if previous.exists() else None
    publish_site(
        [store],
        manifest,
        folder,
        site="calls",
        previous=load_manifest([store], before) if before and before != release_id(manifest) else None,
        provenance=_made(manifest),
        report=lambda _: None,
        variants=variants,
    )
    previous.write_text(release_id(manifest))


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
    address, site, before, hashed, *cache = sys.argv[1:]
    publish(
        address,
        Path(site),
        Path(before),
        assets=[hashed] if hashed else [],
        variants=Path(cache[0]) if cache else None,
    )
