"""One release of a site as a subroutine: the facts by which what all sites share serves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handshake.core.digest import digest_bytes, digits
from handshake.core.hop_header import Hop
from handshake.core.site_contract import SiteContract
from handshake.core.url_path import canonical_path
from handshake.edge.vcl.site_headers import describe_headers, remember_headers
from handshake.edge.vcl.site_paths import BELOW, PATH, describe_shape, is_asset, show_address
from handshake.edge.vcl.site_query import pick_query
from handshake.edge.vcl.site_redirects import find_redirect
from handshake.edge.vcl.surroundings import PreviewRoute, ReleaseRoute, SiteRoute
from handshake.syntax.vcl import Act, Block, Statement, act, quote, sub, when

_FEW = 3


def name_site(site: SiteRoute) -> str:
    """Return the name of a site's subroutine."""
    return f"serve_{site.name.replace('-', '_')}"


def name_preview(preview: PreviewRoute) -> str:
    """Return the name of a preview's subroutine."""
    return f"show_{preview.label.replace('-', '_')}"


def describe_release(
    name: str, site: str, mount: str, route: ReleaseRoute, begin: tuple[Statement, ...] = ()
) -> tuple[Block, ...]:
    """Return the subroutine that serves one release, and those that it calls, which stand before it."""
    contract, root = route.contract, mount.rstrip("/")
    redirects = find_redirect(contract)
    # A subroutine of its own costs the compiler a millisecond, which most sites' few rules are not worth.
    is_short = len(redirects) <= _FEW and all(isinstance(its, Act) for its in redirects)
    return (
        *(() if is_short else (sub(f"redirect_{name}", *redirects),)),
        *describe_headers(f"headers_{name}", contract),
        sub(
            name,
            *begin,
            act(f'set req.http.{Hop.SITE} = "{site}"'),
            act(f'set req.http.{Hop.RELEASE} = "{route.release}"'),
            act(f'set req.http.{Hop.MOUNT} = "{root}"'),
            act(f'set req.http.{Hop.TRAITS} = "{describe_shape(route)}"'),
            *_name_below(root.count("/")),
            *_name_pages(contract),
            *pick_query(contract),
            *remember_headers(f"headers_{name}", contract),
            *((act(f"call {_name_assets(contract.assets)}"),) if contract.assets else ()),
            *(redirects if is_short else (act(f"call redirect_{name}"),)),
            act("call serve_site"),
            because=f"site {site} at {mount}",
        ),
    )


def headers_of(
    sites: tuple[SiteRoute, ...], previews: tuple[PreviewRoute, ...]
) -> Iterator[tuple[str, SiteContract]]:
    """Yield the subroutine and the contract of everything that may have rules of `_headers`."""
    for site in sites:
        yield f"headers_{name_site(site)}", site.live.contract
        if site.split:
            yield f"headers_{name_site(site)}_b", site.split.other.contract
    for preview in previews:
        yield f"headers_{name_preview(preview)}", preview.shown.contract


def releases_of(
    sites: tuple[SiteRoute, ...], previews: tuple[PreviewRoute, ...]
) -> Iterator[tuple[str, SiteContract]]:
    """Yield the mount and the contract of everything that is served."""
    for site in sites:
        yield site.mount, site.live.contract
        if site.split:
            yield site.mount, site.split.other.contract
    for preview in previews:
        yield preview.mount, preview.shown.contract


def share_parts(released: Iterable[tuple[str, SiteContract]]) -> tuple[Block, ...]:
    """Return what many releases do alike, once for all: a pattern costs the compiler more than a call."""
    served = tuple(released)
    depths = sorted({mount.count("/") for mount, _ in served if mount != "/"})
    folders = sorted({contract.assets for _, contract in served if contract.assets})
    return (*(_cut_off(depth) for depth in depths), *(_find_assets(prefixes) for prefixes in folders))


def _name_below(depth: int) -> tuple[Statement, ...]:
    if depth:
        return (act(f"call cut_off_{depth}"),)
    return act(f"set {BELOW} = {PATH}"), act(f"set req.http.{Hop.ASKED} = {BELOW}")


def _cut_off(depth: int) -> Block:
    """Return the subroutine that takes a mount of so many parts off the path."""
    below = f"regsub({PATH}, {quote(f'^(?:/[^/]+){{{depth}}}')}, {quote('')})"
    return sub(f"cut_off_{depth}", act(f"set {BELOW} = {below}"), act(f"set req.http.{Hop.ASKED} = {BELOW}"))


def _name_pages(contract: SiteContract) -> Iterator[Statement]:
    for header, file in ((Hop.FALLBACK, contract.fallback), (Hop.NOT_FOUND, contract.not_found)):
        if file:
            address = canonical_path(show_address(file, is_pretty=contract.is_pretty))
            yield act(f"set req.http.{header} = {quote(address)}")


def _name_assets(prefixes: tuple[str, ...]) -> str:
    return f"find_assets_{digits(digest_bytes(repr(prefixes).encode()))[:12]}"


def _find_assets(prefixes: tuple[str, ...]) -> Block:
    return sub(
        _name_assets(prefixes),
        when(
            is_asset(prefixes),
            act(f'set req.http.{Hop.KIND} = "asset"'),
            act(f'set req.http.{Hop.FOLDER} = "/sites/" + req.http.{Hop.SITE} + "/assets"'),
        ),
    )
