"""A split: a share of a site's visitors see another release, and go on seeing it."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.vcl.surroundings import SiteRoute
from handshake.syntax.vcl import Branch, If, Statement, act, when


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
    """Return vcl_deliver's part: the arm for the door's log, the cookie for a visitor who had none."""
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
