"""Previews: a release on a host name of its own, for those who know its password, and for no search engine."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.vcl.decision import Leaf, decide
from handshake.edge.vcl.site_paths import PATH
from handshake.edge.vcl.site_releases import describe_release, name_preview
from handshake.edge.vcl.surroundings import PreviewRoute
from handshake.syntax.vcl import Block, If, Statement, act, escape_pattern, quote, when

_HOST = r"(?i)^[a-z0-9-]+--[a-z0-9-]+\.preview\."
_LABEL = f"req.http.{Hop.PREVIEW}"
_CREDENTIAL = f"req.http.{Hop.CREDENTIAL}"
"""The digest of what the visitor's browser sent, which the door makes: a VCL can compare, and not compute it."""


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
