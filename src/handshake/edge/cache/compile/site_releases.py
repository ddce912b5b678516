"""One release of a site, or of the fallback copy, as a subroutine: the values that the shared code serves it by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from handshake.core.digest import digest_bytes, digits
from handshake.core.hop_header import Hop
from handshake.core.url_path import canonical_path
from handshake.edge.cache.compile.site_paths import (
    BELOW,
    PATH,
    describe_shape,
    is_asset,
    show_address,
    spell_path,
)
from handshake.edge.cache.compile.site_rules import describe_headers, find_redirect, remember_headers
from handshake.edge.cache.compile.target import PreviewRoute, ReleaseRoute, SiteRoute
from handshake.release.manifest import SiteContract
from handshake.syntax.vcl import Act, Block, Statement, act, escape_pattern, quote, sub, when

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


# The fallback copy at the cache: pages as files, shown once everything that renders them has failed.

COPY_MOUNT = "/"
_SERVE = "serve_fallback_copy"


@dataclass(frozen=True, kw_only=True)
class CopyRoute:
    """The copy that is live."""

    name: str
    """As a site's name in the stores' keys."""
    shown: ReleaseRoute
    files: tuple[str, ...]
    """All of its paths."""


def describe_copy(copy: CopyRoute | None) -> tuple[Block, ...]:
    """Return the subroutine that serves the copy."""
    return describe_release(_SERVE, copy.name, COPY_MOUNT, copy.shown) if copy else ()


def show_copy(copy: CopyRoute | None) -> tuple[Statement, ...]:
    """Return vcl_recv's part for a request that begins again because its page could not be had."""
    if copy is None:
        return ()
    return (
        when(
            f'req.restarts > 0 && req.http.{Hop.COPY} == "asked"',
            act(f'set req.http.{Hop.COPY} = "shown"'),
            *spell_path(),
            act(f"call {_SERVE}"),
        ),
    )


def retreat_to_copy(copy: CopyRoute | None) -> tuple[Statement, ...]:
    """Return vcl_deliver's part: neither the origin nor the cache has the page, and the copy has it."""
    if copy is None:
        return ()
    addresses = "|".join(
        escape_pattern(canonical_path(show_address(file, is_pretty=copy.shown.contract.is_pretty)))
        for file in copy.files
    )
    return (
        when(
            f'resp.status >= 500 && (req.method == "GET" || req.method == "HEAD") && !req.http.{Hop.SITE}'
            f" && !req.http.{Hop.COPY} && req.url ~ {quote(f'^(?:{addresses})(?:[?]|$)')}",
            act(f'set req.http.{Hop.COPY} = "asked"'),
            act(f"unset req.http.{Hop.STALE}"),
            act("return (restart)"),
        ),
    )


# Query strings: what a site names tells apart what the cache keeps; everything else is for the ingress's log alone.

_QUERY = f"req.http.{Hop.QUERY}"


def pick_query(contract: SiteContract) -> tuple[Statement, ...]:
    """Return vcl_recv's part: the parameters that the release names, in one order."""
    if not contract.query:
        return ()
    names = "|".join(escape_pattern(name) for name in contract.query)
    others = rf"(^|&)(?!(?:{names})(?:=|&|$))[^&]*"
    picked = f'regsuball(regsub(std.querysort(req.url), "^[^?]*\\??", ""), {quote(others)}, "")'
    return (
        act(f'set {_QUERY} = regsub({picked}, "^&+", "")'),
        when(f'{_QUERY} == ""', act(f"unset {_QUERY}")),
    )


def hash_query() -> Statement:
    """Return vcl_hash's part."""
    return when(_QUERY, act('hash_data("query")'), act(f"hash_data({_QUERY})"))
