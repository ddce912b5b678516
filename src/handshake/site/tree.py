"""A built folder -> the manifest of a site. Everything that keeps it from being published is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from handshake.core.manifest import Manifest, ManifestFile
from handshake.core.problem import ProblemsError
from handshake.core.release import Kind
from handshake.core.seen import Seen
from handshake.core.tree import look_at_tree
from handshake.site.content_type import content_type
from handshake.site.paths import check_paths


def read_site(folder: Path, assets: Sequence[str], seen: Seen | None = None) -> Manifest:
    """Return the manifest of a built site; ProblemsError names every fault of the folder.

    A site's files have a content type instead of a mode: whether a build marks them executable changes
    nothing for a visitor, and so not the release either.
    """
    look = look_at_tree(folder, seen=seen)
    faults = check_paths(folder, look.paths, assets) if folder.is_dir() else []
    if problems := [*faults, *look.problems]:
        raise ProblemsError(problems)
    return Manifest(
        kind=Kind.SITE,
        files=tuple(map(_as_visited, look.files)),
        contract={"assets": list(assets)},
    )


def _as_visited(file: ManifestFile) -> ManifestFile:
    return ManifestFile(
        path=file.path, digest=file.digest, size=file.size, content_type=content_type(file.path)
    )
