"""A built folder -> the manifest of a site. Everything that keeps it from being published is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from handshake.core.manifest import Manifest
from handshake.core.problem import ProblemsError
from handshake.core.release import Kind
from handshake.core.tree import list_tree, scan_tree
from handshake.site.content_type import content_type
from handshake.site.paths import check_paths


def read_site(folder: Path, assets: Sequence[str]) -> Manifest:
    """Return the manifest of a built site; ProblemsError names every fault of the folder.

    A site's files have a content type instead of a mode: whether a build marks them executable changes
    nothing for a visitor, and so not the release either.
    """
    faults = check_paths(folder, list_tree(folder), assets) if folder.is_dir() else []
    try:
        files = scan_tree(folder)
    except ProblemsError as error:
        raise ProblemsError([*faults, *error.problems]) from error
    if faults:
        raise ProblemsError(faults)
    return Manifest(
        kind=Kind.SITE,
        files=tuple(replace(file, mode=0o644, content_type=content_type(file.path)) for file in files),
        contract={"assets": list(assets)},
    )
