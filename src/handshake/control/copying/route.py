"""The fallback copy as the cache serves it."""

from __future__ import annotations

from handshake.control.copying.record import SUBJECT
from handshake.control.site_routes import route_release
from handshake.core.digest import Digest
from handshake.core.manifest import Manifest
from handshake.edge.vcl.site_copy import CopyRoute


def route_copy(release: Digest, manifest: Manifest) -> CopyRoute:
    """Return how the edge serves a copy."""
    files = tuple(file.path for file in manifest.files)
    return CopyRoute(name=SUBJECT.name, shown=route_release(release, manifest), files=files)
