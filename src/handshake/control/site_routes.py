"""A site's release, as its manifest describes it -> what the edge routes by."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from handshake.core.digest import Digest, digits
from handshake.core.errors import RefusedError
from handshake.core.manifest import Manifest
from handshake.edge.vcl.surroundings import ReleaseRoute, SiteShape
from handshake.site.contract import parse_contract

_PAGE = ".html"


def route_release(release: Digest, manifest: Manifest) -> ReleaseRoute:
    """Return how the edge serves a release; RefusedError where its contract speaks of what this edge does not know."""
    try:
        contract = parse_contract(manifest.contract)
    except ValueError as error:
        raise RefusedError("the edge does not understand the release", details=str(error)) from error
    shape = describe_shape(list_documents(manifest))
    return ReleaseRoute(release=digits(release), contract=contract, shape=shape)


def list_documents(manifest: Manifest) -> tuple[str, ...]:
    """Return the paths of the files that belong to this release alone."""
    assets = parse_contract(manifest.contract).assets
    return tuple(file.path for file in manifest.files if not file.path.startswith(assets))


def describe_shape(documents: Iterable[str]) -> SiteShape:
    """Return which kinds of documents there are."""
    paths = tuple(PurePosixPath(path) for path in documents)
    pages = [path for path in paths if path.suffix == _PAGE and path.stem != "index"]
    folders = [path.parent for path in paths if path.name == "index.html" and len(path.parts) > 1]
    return SiteShape(
        has_bare=any(not path.suffix for path in paths),
        has_flat=bool(pages),
        has_folders=bool(folders),
        has_dotted=any("." in page.stem for page in pages) or any("." in folder.name for folder in folders),
    )
