"""Names in the cache's patterns: each matches itself, and no name that merely looks like it."""

from __future__ import annotations

import re

from handshake.edge.cache.compile.target import CacheTarget, PreviewRoute, ReleaseRoute
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.syntax.vcl import print_vcl
from tests.unit.edge.compiled import print_cache, read_text

LISTED = """
[lists.bots_path]
kind = "network"
[lists.bots]
kind = "text"
[[rule]]
name = "paths"
phase = "serve"
when = 'request.path in list.bots'
respond = { status = 410 }
"""


def read_pattern(text: str, begins: str) -> str:
    """Return the one pattern that begins in this way."""
    (found,) = {str(its) for its in re.findall(r'~ "([^"]*)"', text) if its.startswith(begins)}
    return found


def test_a_look_into_a_list_is_not_another_list() -> None:
    """The ingress's word about `request.path in list.bots` is not taken for one about a list named `bots_path`."""
    pattern = read_pattern(print_cache(read_text(LISTED)), "(^|, )")
    assert re.search(pattern, "wall, bots.path")
    assert not re.search(pattern, "wall, bots_path")


def test_a_preview_below_a_dotted_mount() -> None:
    """A preview of a site at `/v1.0` answers below that path, and not below `/v1x0`."""
    preview = PreviewRoute(
        label="abc--calls",
        name="calls",
        mount="/v1.0",
        shown=ReleaseRoute(release="a" * 64),
        credential="c" * 64,
    )
    target = CacheTarget(gateway_socket="/run/gateway.sock", regions=())
    pattern = read_pattern(print_vcl(compile_cache(read_text(""), target, (), (preview,))), "^/v1")
    assert re.search(pattern, "/v1.0/page")
    assert not re.search(pattern, "/v1x0/page")
