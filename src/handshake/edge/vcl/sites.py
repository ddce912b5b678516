"""Sites: a mount's URL becomes the URL of the live release, so that moving a pointer needs no purge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from handshake.core.hop_header import Hop
from handshake.edge.vcl.calls import keep_called
from handshake.edge.vcl.decision import Leaf, decide
from handshake.edge.vcl.site_answers import resolve_missing
from handshake.edge.vcl.site_copy import COPY_MOUNT, CopyRoute, describe_copy
from handshake.edge.vcl.site_headers import add_headers
from handshake.edge.vcl.site_paths import BELOW, PATH, refuse_broken_path, spell_path
from handshake.edge.vcl.site_previews import describe_previews, route_previews
from handshake.edge.vcl.site_query import hash_query
from handshake.edge.vcl.site_redirects import follow_redirect, look_up
from handshake.edge.vcl.site_releases import describe_release, headers_of, name_site, releases_of, share_parts
from handshake.edge.vcl.site_splits import choose_arm
from handshake.edge.vcl.site_variants import choose_encoding, hide_variants
from handshake.edge.vcl.surroundings import PreviewRoute, SiteRoute
from handshake.syntax.vcl import Block, Branch, If, Statement, act, escape_pattern, quote, sub, when

_FIRST = f"req.http.{Hop.FIRST}"
"""The first part of the path: sites are found by it, in as many comparisons as halving takes."""
_OWN = (Hop.PATH, Hop.FIRST, Hop.SEARCH, Hop.ACCEPT_ENCODING)


def route_sites(
    sites: tuple[SiteRoute, ...], previews: tuple[PreviewRoute, ...] = ()
) -> tuple[Statement, ...]:
    """Return vcl_recv's part that finds a request's site, which ends the matter; a request of none goes on."""
    by_first: dict[str, list[SiteRoute]] = defaultdict(list)
    for site in _order(sites):
        by_first[_first_part(site.mount)].append(site)
    at_root = by_first.pop("/", [])
    leaves = [
        Leaf(key=first, body=tuple(part for site in them for part in _find_site(site)))
        for first, them in by_first.items()
    ]
    find_first = (act(f'set {_FIRST} = regsub({PATH}, "^(/[^/]*).*$", "\\1")'),) if leaves else ()
    return (
        *spell_path(),
        *route_previews(previews),
        *find_first,
        *decide(_FIRST, leaves),
        *(act(f"call {name_site(site)}") for site in at_root),
        *(act(f"unset req.http.{name}") for name in _OWN),
    )


def describe_sites(
    sites: tuple[SiteRoute, ...],
    previews: tuple[PreviewRoute, ...] = (),
    copy: CopyRoute | None = None,
) -> tuple[Block, ...]:
    """Return what all sites share, and one subroutine for each, which rewrites the request to its release."""
    ordered = _order(sites)
    own = (
        *(block for site in ordered for block in _describe_site(site)),
        *describe_previews(previews),
        *describe_copy(copy),
        add_headers([*headers_of(ordered, previews)]),
        sub("route", *route_sites(sites, previews)),
    )
    served = (*releases_of(ordered, previews), *(((COPY_MOUNT, copy.shown.contract),) if copy else ()))
    shared = (_add_slash(), *look_up(), *share_parts(served))
    return follow_redirect(), resolve_missing(), _serve_site(), *keep_called(shared, own), *own[:-1]


def hash_site() -> Statement:
    """Return vcl_hash's part: the URL alone names a file, whichever host it was asked for at."""
    return when(
        f"req.http.{Hop.SITE}",
        act('hash_data("site")'),
        act("hash_data(req.url)"),
        when(f"req.http.{Hop.ENCODING}", act(f"hash_data(req.http.{Hop.ENCODING})")),
        hash_query(),
        act("return (lookup)"),
    )


def _order(sites: tuple[SiteRoute, ...]) -> tuple[SiteRoute, ...]:
    """Return the sites with the longest mount first, so that a nested one is found before its parent."""
    return tuple(sorted(sites, key=lambda site: (-len(site.mount.rstrip("/")), site.mount)))


def _first_part(mount: str) -> str:
    return "/" + mount.lstrip("/").partition("/")[0]


def _find_site(site: SiteRoute) -> Iterator[Statement]:
    is_bare = Branch(condition=f"{PATH} == {quote(site.mount)}", body=(act("call add_slash"),))
    enter = (act(f"call {name_site(site)}"),)
    is_below = "" if _is_alone(site) else f"{PATH} ~ {quote(f'^{escape_pattern(site.mount)}/')}"
    yield If(branches=(is_bare, Branch(condition=is_below, body=enter)))


def _is_alone(site: SiteRoute) -> bool:
    """Tell whether the first part of a path, by which sites are found, is the whole of the site's mount."""
    return site.mount == _first_part(site.mount)


def _add_slash() -> Block:
    return sub(
        "add_slash",
        act(f'set req.http.{Hop.LOCATION} = regsub(req.url, "^([^?]*)", "\\1/")'),
        act('return (synth(308, "Permanent Redirect"))'),
    )


def _describe_site(site: SiteRoute) -> tuple[Block, ...]:
    previous = (
        (act(f'set req.http.{Hop.PREVIOUS} = "{site.previous_release}"'),) if site.previous_release else ()
    )
    return (
        *describe_release(
            name_site(site), site.name, site.mount, site.live, begin=(*choose_arm(site), *previous)
        ),
        *(
            describe_release(f"{name_site(site)}_b", site.name, site.mount, site.split.other)
            if site.split
            else ()
        ),
    )


def _serve_site() -> Block:
    """Return what every site does once it is known which release of which site a request is for."""
    return sub(
        "serve_site",
        when(
            'req.method != "GET" && req.method != "HEAD"',
            act(f'set req.http.{Hop.ALLOW} = "GET, HEAD"'),
            act('return (synth(405, "Method Not Allowed"))'),
        ),
        refuse_broken_path(),
        hide_variants(),
        act("unset req.http.Cookie"),
        act("unset req.http.Authorization"),
        when(f'req.http.{Hop.REDIRECT} ~ "^[0-9]+!"', act("call follow_redirect")),
        when(
            f'req.http.{Hop.KIND} != "asset"',
            act(f'set req.http.{Hop.KIND} = "document"'),
            act(
                f'set req.http.{Hop.FOLDER} = "/sites/" + req.http.{Hop.SITE} + "/" + req.http.{Hop.RELEASE}'
            ),
            # No store need be asked what an app without pages of their own does at a path: it reads it itself.
            when(
                f"req.http.{Hop.FALLBACK} && !req.http.{Hop.REDIRECT} && "
                f'{BELOW} !~ "^/$|\\.[^/]*$" && req.http.{Hop.TRAITS} !~ "bare|flat|folders"',
                act(f"set {BELOW} = req.http.{Hop.FALLBACK}"),
                act(f"unset req.http.{Hop.FALLBACK}"),
            ),
        ),
        choose_encoding(),
        act(f"set req.url = req.http.{Hop.FOLDER} + {BELOW}"),
        act("return (hash)"),
    )
