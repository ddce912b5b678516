"""Warming: what the agent lets a cache fetch of a release before anybody sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from handshake.core.compressible import Encoding, is_compressible
from handshake.core.url_path import canonical_path
from handshake.edge.vcl.site_paths import describe_shape, show_address
from handshake.edge.vcl.site_warming import WARM
from handshake.edge.vcl.surroundings import SiteRoute

_MOST_DOCUMENTS = 64
_ENCODINGS = (Encoding.BROTLI, Encoding.GZIP)
"""What nearly all browsers send; besides, the file as it is."""


def plan_warming(site: SiteRoute, documents: Iterable[str]) -> tuple[Mapping[str, str], ...]:
    """Return the headers of the requests that fetch its documents: pages first, and not all of a large site."""
    ordered = sorted(documents, key=lambda path: (not path.endswith(".html"), path.count("/"), path))
    return tuple(headers for path in ordered[:_MOST_DOCUMENTS] for headers in _ask_for(site, path))


def _ask_for(site: SiteRoute, path: str) -> Iterator[Mapping[str, str]]:
    contract = site.live.contract
    address = canonical_path(show_address(path, is_pretty=contract.is_pretty))
    facts = {
        WARM: "yes",
        "X-HS-Site": site.name,
        "X-HS-Release": site.live.release,
        "X-HS-Traits": describe_shape(site.live),
        "X-HS-Below": address,
    }
    yield facts
    if contract.encodings and is_compressible(path):
        for encoding in _ENCODINGS:
            yield {**facts, "X-HS-Accept-Encoding": encoding}
