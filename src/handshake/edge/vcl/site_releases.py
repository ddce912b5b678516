"""One release of a site as a subroutine: the facts by which what all sites share serves it."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.core.site_contract import SiteContract
from handshake.edge.vcl.site_headers import describe_headers, remember_headers
from handshake.edge.vcl.site_paths import BELOW, PATH, describe_shape, is_asset, show_address
from handshake.edge.vcl.site_query import pick_query
from handshake.edge.vcl.site_redirects import describe_redirects
from handshake.edge.vcl.surroundings import PreviewRoute, ReleaseRoute, SiteRoute
from handshake.syntax.vcl import Block, Statement, act, escape_pattern, quote, sub, when


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
    redirects = describe_redirects(f"redirect_{name}", contract)
    return (
        *redirects,
        *describe_headers(f"headers_{name}", contract),
        sub(
            name,
            *begin,
            act(f'set req.http.X-HS-Site = "{site}"'),
            act(f'set req.http.X-HS-Release = "{route.release}"'),
            act(f'set req.http.X-HS-Mount = "{root}"'),
            act(f'set req.http.X-HS-Traits = "{describe_shape(route)}"'),
            act(f"set {BELOW} = {_cut_off(root)}"),
            act(f"set req.http.X-HS-Asked = {BELOW}"),
            *_name_pages(contract),
            *pick_query(contract),
            *remember_headers(f"headers_{name}", contract),
            *_find_assets(site, contract),
            *((act(f"call redirect_{name}"),) if redirects else ()),
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


def _cut_off(root: str) -> str:
    return f"regsub({PATH}, {quote('^' + escape_pattern(root))}, {quote('')})" if root else PATH


def _name_pages(contract: SiteContract) -> Iterator[Statement]:
    for header, file in (("Fallback", contract.fallback), ("Not-Found", contract.not_found)):
        if file:
            address = show_address(file, is_pretty=contract.is_pretty)
            yield act(f"set req.http.X-HS-{header} = {quote(address)}")


def _find_assets(site: str, contract: SiteContract) -> tuple[Statement, ...]:
    if not contract.assets:
        return ()
    return (
        when(
            is_asset(contract.assets),
            act('set req.http.X-HS-Kind = "asset"'),
            act(f'set req.http.X-HS-Folder = "/sites/{site}/assets"'),
        ),
    )
