"""Pages by tag and URL: purged as soon as an origin or an operator declares them outdated."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.syntax.vcl import Act, Block, Branch, If, Statement, act, sub, when

PURGE_METHOD = "PURGE"
PURGE_KEYS = Hop.PURGE
PURGE_HOST = Hop.PURGE_HOST
PURGE_PATH = Hop.PURGE_PATH
PURGE_SOFTLY = Hop.SOFT

INWARD = ("Surrogate-Control", "Surrogate-Key", "Cache-Tag", "xkey")
"""Headers that an origin writes for caches; they are removed before the response reaches visitors."""

_SAFE = "^(GET|HEAD|OPTIONS|TRACE)$"


def handle_purge() -> If:
    """Return vcl_recv's part: what comes without the ingress's word about a client comes from the agent.

    Only the ingress's user and root may open the cache's socket, and the ingress sends `Hop.CLIENT` with every request.
    """
    url = _key_of(f"req.http.{PURGE_HOST}", f"req.http.{PURGE_PATH}")
    return when(
        f'req.method == "{PURGE_METHOD}" && !req.http.{Hop.CLIENT}',
        when(
            f"req.http.{PURGE_PATH}", act(f'set req.http.{PURGE_KEYS} = req.http.{PURGE_KEYS} + " " + {url}')
        ),
        If(
            branches=(
                Branch(
                    condition=f"req.http.{PURGE_SOFTLY}",
                    body=(act(f"set req.http.{Hop.GONE} = xkey.softpurge(req.http.{PURGE_KEYS})"),),
                ),
                Branch(
                    condition="", body=(act(f"set req.http.{Hop.GONE} = xkey.purge(req.http.{PURGE_KEYS})"),)
                ),
            )
        ),
        act(f"return (synth(200, req.http.{Hop.GONE}))"),
    )


def keep_tags() -> tuple[Act, ...]:
    """Return vcl_backend_response's part: the tags that the origin gave a page, and its URL as one more."""
    tags = 'beresp.http.Surrogate-Key + " " + regsuball(beresp.http.Cache-Tag, ",", " ")'
    return (
        act("std.collect(beresp.http.Surrogate-Key)"),
        act("std.collect(beresp.http.Cache-Tag)"),
        act(f'set beresp.http.xkey = {_key_of("bereq.http.Host", "bereq.url")} + " " + {tags}'),
    )


def forget_changed() -> Block:
    """Return the subroutine of vcl_deliver that forgets what a visitor has changed (RFC 9111, 4.4)."""
    return sub(
        "forget_changed",
        when(
            f'req.method !~ "{_SAFE}" && resp.status >= 200 && resp.status < 400',
            _forget("req.url"),
            *_forget_named("Location"),
            *_forget_named("Content-Location"),
        ),
    )


def _forget(path: str) -> Act:
    return act(f"set req.http.{Hop.GONE} = xkey.purge({_key_of('req.http.Host', path)})")


def _forget_named(header: str) -> tuple[Statement, ...]:
    """Forget what a header names, if it is ours: nobody forgets another host's pages."""
    named = f"resp.http.{header}"
    host = f'regsub({named}, "^https?://([^/]+).*$", "\\1")'
    path = f'regsub({named}, "^https?://[^/]+", "")'
    return (
        when(
            f'{named} ~ "^/" || {host} == req.http.Host',
            _forget(path),
        ),
    )


def _key_of(host: str, url: str) -> str:
    # In hexadecimal: a URL may hold what ends a key.
    return f"blob.transcode(IDENTITY, HEX, encoded={host} + {url})"
