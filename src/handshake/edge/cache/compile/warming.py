"""Cache warming: what the agent fetches of a release before any visitor requests it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from handshake.core.hop_header import Hop
from handshake.core.url_path import canonical_path
from handshake.edge.cache.compile.site_paths import describe_shape, show_address
from handshake.edge.cache.compile.target import ReleaseRoute
from handshake.release.manifest import Encoding, is_compressible
from handshake.syntax.vcl import If, act, when

_ORDER = (Encoding.BROTLI, Encoding.GZIP, Encoding.ZSTD)
"""The encoding of nearly all browsers comes first; the uncompressed file last."""


def plan_warming(
    site: str, shown: ReleaseRoute, documents: Iterable[str]
) -> tuple[tuple[Mapping[str, str], ...], ...]:
    """Return for each document, pages first, the headers of the requests that fetch it in every form it has."""
    ordered = sorted(documents, key=lambda path: (not path.endswith(".html"), path.count("/"), path))
    return tuple(tuple(_ask_for(site, shown, path)) for path in ordered)


def _ask_for(site: str, shown: ReleaseRoute, path: str) -> Iterator[Mapping[str, str]]:
    contract = shown.contract
    facts: dict[str, str] = {
        WARM: "yes",
        Hop.SITE: site,
        Hop.RELEASE: shown.release,
        Hop.TRAITS: describe_shape(shown),
        Hop.BELOW: canonical_path(show_address(path, is_pretty=contract.is_pretty)),
    }
    if is_compressible(path):
        for encoding in _ORDER:
            if encoding in contract.encodings:
                yield {**facts, Hop.ACCEPT_ENCODING: encoding}
    yield facts


# The agent's own requests, by which a release's documents are in the cache before a visitor asks for them.

WARM = Hop.WARM


def handle_warming() -> If:
    """Return vcl_recv's part: what comes without the ingress's word about a client comes from the agent.

    It says itself of which release it speaks, so that what is fetched need not be live.
    """
    return when(f"req.http.{WARM} && !req.http.{Hop.CLIENT}", act("call serve_site"))
