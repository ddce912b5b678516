"""Publishing a site in a test."""

from collections.abc import Sequence
from pathlib import Path

from handshake.core.manifest import Manifest, release_id
from handshake.core.objects import ObjectStore
from handshake.core.provenance import Provenance
from handshake.core.release import Kind, Subject
from handshake.core.upload import Progress
from handshake.site.publish import publish_site


def publish(
    stores: Sequence[ObjectStore],
    folder: Path,
    manifest: Manifest,
    previous: Manifest | None = None,
    *,
    is_thorough: bool = False,
) -> list[Progress]:
    """Publish a manifest of a folder; return what was reported."""
    reports: list[Progress] = []
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
