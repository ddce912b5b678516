"""Sites: a mount's URL becomes the URL of the live release, so that moving a pointer needs no purge."""

from __future__ import annotations

from handshake.core.digest import Digest, short
from handshake.edge.vcl.surroundings import RegionSocket, SiteRoute
from handshake.syntax.vcl import Act, Block, Branch, If, Statement, act, escape_pattern, quote, sub, when

_LONG = "30d"
_TEXTS = r"^(text/|image/svg|application/(javascript|json|manifest|xml|xhtml))"
_FAILED = "resp.status >= 500"


def order_routes(sites: tuple[SiteRoute, ...]) -> tuple[SiteRoute, ...]:
    """Return the sites with the longest mount first, so that a nested one is found before its parent."""
    return tuple(sorted(sites, key=lambda site: (-len(_below(site)), site.mount)))


def route_sites(sites: tuple[SiteRoute, ...]) -> tuple[Statement, ...]:
    """Return the tests of vcl_recv that find a request's site; each ends the matter."""
    return tuple(statement for site in order_routes(sites) for statement in _find_site(site))


def describe_sites(sites: tuple[SiteRoute, ...]) -> tuple[Block, ...]:
    """Return one subroutine for each site, which rewrites the request to the site's live release."""
    return tuple(
        sub(
            _name(site),
            when(
                'req.method != "GET" && req.method != "HEAD"',
                act('set req.http.X-HS-Allow = "GET, HEAD"'),
                act('return (synth(405, "Method Not Allowed"))'),
            ),
            act(f'set req.http.X-HS-Site = "{site.name}"'),
            act(f'set req.http.X-HS-Release = "{_show(site.release)}"'),
            act("unset req.http.Cookie"),
            act("unset req.http.Authorization"),
            # The door has logged the query; a file does not depend on it.
            act(r'set req.url = regsub(req.url, "\?.*$", "")'),
            *_rewrite(site),
            act("return (hash)"),
            because=f"site {site.name} at {site.mount}",
        )
        for site in order_routes(sites)
    )


def hash_site() -> If:
    """Return vcl_hash's part: the URL alone names a file, whichever host it was asked for at."""
    return when(
        "req.http.X-HS-Site", act('hash_data("site")'), act("hash_data(req.url)"), act("return (lookup)")
    )


def choose_region(regions: tuple[RegionSocket, ...]) -> tuple[Statement, ...]:
    """Return vcl_backend_fetch's part: each retry asks the next region."""
    branches = tuple(
        Branch(
            condition=f"bereq.retries == {number}", body=(act(f"set bereq.backend = {name_region(region)}"),)
        )
        for number, region in enumerate(regions)
    )
    return (when("bereq.http.X-HS-Site", If(branches=branches)),) if branches else ()


def name_region(region: RegionSocket) -> str:
    """Return the name of a region's backend."""
    return f"region_{region.name.replace('-', '_')}"


def keep_site_file(regions: tuple[RegionSocket, ...]) -> Block:
    """Return the subroutine of vcl_backend_response for files: a region that does not have one is not the last word."""
    return sub(
        "keep_site_file",
        when(f"beresp.status != 200 && bereq.retries < {len(regions) - 1}", act("return (retry)")),
        when("beresp.status >= 500 && bereq.is_bgfetch", act("return (abandon)")),
        when("beresp.status >= 500", act("return (error(503))")),
        *(act(f"unset beresp.http.{name}") for name in ("Set-Cookie", "Cache-Control", "Expires", "Pragma")),
        If(
            branches=(
                Branch(
                    condition="beresp.status == 200",
                    body=(act(f"set beresp.ttl = {_LONG}"), act(f"set beresp.grace = {_LONG}")),
                ),
                # S3 answers 403 for what is missing where its listing is private.
                Branch(condition="", body=(act("set beresp.status = 404"), act("set beresp.ttl = 10s"))),
            )
        ),
        when(f"beresp.http.Content-Type ~ {quote(_TEXTS)}", act("set beresp.do_gzip = true")),
        act("return (deliver)"),
    )


def retreat_to_previous() -> If:
    """Return vcl_deliver's part: what no region can give is taken from the release before."""
    return when(
        f"{_FAILED} && req.restarts == 0 && req.http.X-HS-Previous",
        act("set req.url = req.http.X-HS-Previous"),
        act("set req.http.X-HS-Release = req.http.X-HS-Previous-Release"),
        act("return (restart)"),
    )


def label_site_file() -> If:
    """Return vcl_deliver's part: how long browsers may keep a file, and the release it is from."""
    return when(
        "req.http.X-HS-Site",
        act("unset resp.http.Age"),
        act("set resp.http.X-HS-Release = req.http.X-HS-Release"),
        If(
            branches=(
                _let_keep("resp.status >= 400", "no-store"),
                _let_keep('req.http.X-HS-Kind == "asset"', "public, max-age=31536000, immutable"),
                _let_keep("", "public, max-age=0, must-revalidate"),
            )
        ),
    )


def _let_keep(condition: str, value: str) -> Branch:
    return Branch(condition=condition, body=(act(f'set resp.http.Cache-Control = "{value}"'),))


def _find_site(site: SiteRoute) -> tuple[Statement, ...]:
    mount = escape_pattern(site.mount.rstrip("/"))
    enter = when(f"req.url ~ {quote(f'^{mount}/')}", act(f"call {_name(site)}"))
    if not mount:
        return (enter,)
    bare = quote(f"^{mount}(\\?|$)")
    location = f"regsub(req.url, {quote(f'^{mount}')}, {quote(_below(site))})"
    add_slash = when(
        f"req.url ~ {bare}",
        act(f"set req.http.X-HS-Location = {location}"),
        act('return (synth(308, "Permanent Redirect"))'),
    )
    return add_slash, enter


def _rewrite(site: SiteRoute) -> tuple[Statement, ...]:
    document = (
        act('set req.http.X-HS-Kind = "document"'),
        act('set req.url = regsub(req.url, "/$", "/index.html")'),
        *_remember_previous(site),
        act(f"set req.url = {_move(site, site.release)}"),
    )
    if not site.asset_prefixes:
        return document
    prefixes = "|".join(escape_pattern(prefix) for prefix in site.asset_prefixes)
    asset = Branch(
        condition=f"req.url ~ {quote(f'^{escape_pattern(_below(site))}({prefixes})')}",
        body=(act('set req.http.X-HS-Kind = "asset"'), act(f"set req.url = {_move(site, 'assets')}")),
    )
    return (If(branches=(asset, Branch(condition="", body=document))),)


def _remember_previous(site: SiteRoute) -> tuple[Act, ...]:
    if site.previous_release is None:
        return ()
    return (
        act(f"set req.http.X-HS-Previous = {_move(site, site.previous_release)}"),
        act(f'set req.http.X-HS-Previous-Release = "{_show(site.previous_release)}"'),
    )


def _move(site: SiteRoute, folder: str) -> str:
    below = quote(f"^{escape_pattern(_below(site))}")
    return f"regsub(req.url, {below}, {quote(f'/sites/{site.name}/{folder}/')})"


def _below(site: SiteRoute) -> str:
    return site.mount.rstrip("/") + "/"


def _name(site: SiteRoute) -> str:
    return f"serve_{site.name.replace('-', '_')}"


def _show(release: str) -> str:
    return short(Digest(release))
