"""Publishing a site in a test."""

from collections.abc import Sequence
from pathlib import Path

from handshake.core.subject import Kind, Subject
from handshake.release.manifest import Manifest, release_id
from handshake.release.objects import ObjectStore
from handshake.release.provenance import Provenance
from handshake.release.upload import UploadProgress
from handshake.site.upload import publish_site


def publish(
    stores: Sequence[ObjectStore],
    folder: Path,
    manifest: Manifest,
    previous: Manifest | None = None,
    *,
    is_thorough: bool = False,
) -> list[UploadProgress]:
    """Publish a manifest of a folder; return what was reported."""
    reports: list[UploadProgress] = []
    provenance = Provenance(
        subject=Subject(kind=Kind.SITE, name="calls"),
        release=release_id(manifest),
        source="calls",
        commit="",
        builder="test",
        made_at=1.0,
    )
    publish_site(
        stores,
        manifest,
        folder,
        site="calls",
        previous=previous,
        provenance=provenance,
        report=reports.append,
        variants=folder.parent / "variants",
        is_thorough=is_thorough,
    )
    return reports
