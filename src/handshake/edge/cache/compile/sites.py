"""Sites: a mount's URL becomes the URL of the live release, of a preview, or of a split's arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from handshake.core.hop_header import Hop
from handshake.edge.cache.compile.decision import Leaf, decide
from handshake.edge.cache.compile.site_answers import resolve_missing
from handshake.edge.cache.compile.site_fetching import choose_encoding, hide_variants
from handshake.edge.cache.compile.site_paths import BELOW, PATH, refuse_broken_path, spell_path
from handshake.edge.cache.compile.site_releases import (
    COPY_MOUNT,
    CopyRoute,
    describe_copy,
    describe_release,
    hash_query,
    headers_of,
    name_preview,
    name_site,
    releases_of,
    share_parts,
)
from handshake.edge.cache.compile.site_rules import add_headers, follow_redirect, look_up
from handshake.edge.cache.compile.target import PreviewRoute, SiteRoute
from handshake.syntax.vcl import Act, Block, Branch, If, Statement, act, escape_pattern, quote, sub, when

_FIRST = f"req.http.{Hop.FIRST}"
"""The first part of the path: sites are found by it, with a binary search."""
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
    """Return whether the first part of a path, by which sites are found, is the whole of the site's mount."""
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


# Previews: a release on a host name of its own, for those who know its password, and for no search engine.

_HOST = r"(?i)^[a-z0-9-]+--[a-z0-9-]+\.preview\."
_LABEL = f"req.http.{Hop.PREVIEW}"
_CREDENTIAL = f"req.http.{Hop.CREDENTIAL}"
"""The digest of the browser's credentials, computed by the ingress: VCL can compare it but not compute it."""


def route_previews(previews: tuple[PreviewRoute, ...]) -> tuple[Statement, ...]:
    """Return vcl_recv's part: a preview's host shows its release, and never anything that is live."""
    leaves = [Leaf(key=preview.label, body=_enter(preview)) for preview in previews]
    return (
        when(
            f"req.http.Host ~ {quote(_HOST)}",
            act(f'set {_LABEL} = std.tolower(regsub(req.http.Host, "(?i)\\.preview\\..*$", ""))'),
            *decide(_LABEL, leaves),
            act('return (synth(404, "No Such Preview"))'),
        ),
        act(f"unset {_CREDENTIAL}"),
    )


def describe_previews(previews: tuple[PreviewRoute, ...]) -> tuple[Block, ...]:
    """Return the subroutines of all previews."""
    return tuple(
        block
        for preview in previews
        for block in describe_release(name_preview(preview), preview.name, preview.mount, preview.shown)
    )


def label_preview() -> If:
    """Return vcl_deliver's and vcl_synth's part: no search engine lists it, no cache on the way keeps it."""
    return when(
        _LABEL,
        act('set resp.http.X-Robots-Tag = "noindex, nofollow"'),
        act('set resp.http.Cache-Control = "private, no-store"'),
        when(
            "resp.status == 401",
            act('set resp.http.WWW-Authenticate = {"Basic realm="preview", charset="UTF-8""}'),
        ),
    )


def _enter(preview: PreviewRoute) -> tuple[Statement, ...]:
    root = preview.mount.rstrip("/")
    enter = act(f"call {name_preview(preview)}")
    lead = (
        when(f"{PATH} ~ {quote(f'^{escape_pattern(root)}/')}", enter),
        act(f'set req.http.{Hop.LOCATION} = "{root}/"'),
        act('return (synth(302, "Found"))'),
    )
    return (
        when(
            f"!{_CREDENTIAL} || {_CREDENTIAL} != {quote(preview.credential)}",
            act('return (synth(401, "Unauthorized"))'),
        ),
        *(lead if root else (enter,)),
    )


# A split: a share of a site's visitors see another release, and go on seeing it.


def choose_arm(site: SiteRoute) -> tuple[Statement, ...]:
    """Return the beginning of a site's subroutine: the arm that the visitor's cookie names, or one by lot."""
    if site.split is None:
        return ()
    cookie = f"hs-arm-{site.name}"
    name = f"serve_{site.name.replace('-', '_')}_b"
    path = site.mount.rstrip("/") + "/"
    new = f'"{cookie}=" + req.http.{Hop.ARM} + "; Path={path}; Max-Age={site.split.seconds}; SameSite=Lax; HttpOnly"'
    return (
        If(
            branches=(
                _remember(f'req.http.Cookie ~ "(^|;) *{cookie}=b(;|$)"', "b"),
                _remember(f'req.http.Cookie ~ "(^|;) *{cookie}=a(;|$)"', "a"),
                Branch(
                    condition="",
                    body=(
                        act(f'set req.http.{Hop.ARM} = "a"'),
                        when(
                            f"std.random(0, 100) < {site.split.share}.0", act(f'set req.http.{Hop.ARM} = "b"')
                        ),
                        act(f"set req.http.{Hop.SET_ARM} = {new}"),
                    ),
                ),
            )
        ),
        when(f'req.http.{Hop.ARM} == "b"', act(f"call {name}")),
    )


def label_arm() -> If:
    """Return vcl_deliver's part: the arm for the ingress's log, the cookie for a visitor who had none."""
    return when(
        f"req.http.{Hop.ARM}",
        act(f"set resp.http.{Hop.LOG_ARM} = req.http.{Hop.ARM}"),
        when(
            f"req.http.{Hop.SET_ARM}",
            act(f"set resp.http.Set-Cookie = req.http.{Hop.SET_ARM}"),
            act('set resp.http.Cache-Control = regsub(resp.http.Cache-Control, "^public", "private")'),
        ),
    )


def _remember(condition: str, arm: str) -> Branch:
    return Branch(condition=condition, body=(act(f'set req.http.{Hop.ARM} = "{arm}"'),))


# Which subroutines a program calls: Varnish refuses one that holds a subroutine which nothing calls.

_CALL = "call "


def keep_called(shared: Iterable[Block], callers: Iterable[Block]) -> tuple[Block, ...]:
    """Return those of the shared subroutines that the callers call, directly or through one another."""
    by_name = {block.heading.removeprefix("sub "): block for block in shared}
    wanted: set[str] = set()
    waiting = [name for block in callers for name in _calls(block.body)]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in wanted:
            wanted.add(name)
            waiting += _calls(by_name[name].body)
    return tuple(block for name, block in by_name.items() if name in wanted)


def _calls(body: Iterable[Statement]) -> Iterator[str]:
    for statement in body:
        match statement:
            case Act(text=text) if text.startswith(_CALL):
                yield text.removeprefix(_CALL)
            case If(branches=branches):
                for branch in branches:
                    yield from _calls(branch.body)
            case _:
                continue
