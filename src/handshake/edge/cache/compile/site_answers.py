"""A site's responses: the file, the not-found page, the previous release, and how long each may be cached."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.cache.compile.site_paths import BELOW
from handshake.syntax.vcl import Act, Block, Branch, If, act, sub, when

_URL = f"req.http.{Hop.FOLDER} + {BELOW}"
_NO_EXTENSION = f'{BELOW} !~ "\\.[^/]*$"'
_REVALIDATED = "public, max-age=0, must-revalidate"


def resolve_missing() -> Block:
    """Return the subroutine for a document that is not there: each of what the release offers is tried once."""
    return sub(
        "resolve_missing",
        If(
            branches=(
                Branch(condition=f"req.http.{Hop.REDIRECT}", body=(act("call follow_redirect"),)),
                Branch(
                    condition=f"req.http.{Hop.FALLBACK} && {_NO_EXTENSION}",
                    body=(
                        act(f"set {BELOW} = req.http.{Hop.FALLBACK}"),
                        act(f"unset req.http.{Hop.FALLBACK}"),
                    ),
                ),
                Branch(
                    condition="",
                    body=(
                        act(f"set {BELOW} = req.http.{Hop.NOT_FOUND}"),
                        act(f'set req.http.{Hop.SHOWN} = "404"'),
                        act(f"unset req.http.{Hop.NOT_FOUND}"),
                        act(f"unset req.http.{Hop.FALLBACK}"),
                    ),
                ),
            )
        ),
        act(f"set req.url = {_URL}"),
    )


def answer_missing() -> If:
    """Return vcl_deliver's part: what the release offers where it has no such document."""
    offers = (
        f"req.http.{Hop.REDIRECT} || req.http.{Hop.NOT_FOUND} || (req.http.{Hop.FALLBACK} && {_NO_EXTENSION})"
    )
    return when(
        f'resp.status == 404 && req.http.{Hop.KIND} == "document" && ({offers})',
        act("call resolve_missing"),
        act("return (restart)"),
    )


def retreat_to_previous() -> If:
    """Return vcl_deliver's part: a document that no region can give is taken from the release before."""
    return when(
        f'resp.status >= 500 && req.http.{Hop.PREVIOUS} && req.http.{Hop.KIND} == "document"',
        act(f"set req.http.{Hop.RELEASE} = req.http.{Hop.PREVIOUS}"),
        act(f"unset req.http.{Hop.PREVIOUS}"),
        # What this release lacks, that one may have.
        act(f'set req.http.{Hop.TRAITS} = req.http.{Hop.TRAITS} + " bare flat folders"'),
        act(f'set req.http.{Hop.FOLDER} = "/sites/" + req.http.{Hop.SITE} + "/" + req.http.{Hop.RELEASE}'),
        act(f"set {BELOW} = req.http.{Hop.ASKED}"),
        act(f"unset req.http.{Hop.SHOWN}"),
        act(f"set req.url = {_URL}"),
        act("return (restart)"),
    )


def label_site_file() -> If:
    """Return vcl_deliver's part: where it moved to, how long browsers may keep it, and the release it is from."""
    return when(
        f"req.http.{Hop.SITE}",
        act("unset resp.http.Age"),
        when(f'req.http.{Hop.SHOWN} == "404" && resp.status == 200', act("set resp.status = 404")),
        act(f'set resp.http.{Hop.RELEASE} = regsub(req.http.{Hop.RELEASE}, "^(.{{12}}).*$", "\\1")'),
        when(f"resp.http.{Hop.MOVED}", *_name_location()),
        when(
            f"resp.http.{Hop.VARIES}",
            act('set resp.http.Vary = "Accept-Encoding"'),
            act(f"unset resp.http.{Hop.VARIES}"),
        ),
        If(
            branches=(
                _let_keep(f'req.http.{Hop.KIND} == "asset"', "public, max-age=31536000, immutable"),
                _let_keep("", _REVALIDATED),
            )
        ),
        when(f"req.http.{Hop.HEADERS}", act("call add_headers")),
        when("resp.status >= 400", act('set resp.http.Cache-Control = "no-store"')),
    )


def label_site_answer() -> If:
    """Return vcl_synth's part: a browser asks again each time, so that a redirect goes with its release."""
    return when(
        f"req.http.{Hop.SITE}",
        act(f'set resp.http.Cache-Control = "{_REVALIDATED}"'),
        when("resp.status >= 400", act('set resp.http.Cache-Control = "no-store"')),
        act(f'set resp.http.{Hop.RELEASE} = regsub(req.http.{Hop.RELEASE}, "^(.{{12}}).*$", "\\1")'),
    )


def _name_location() -> tuple[Act | If, ...]:
    return (
        act(f"set resp.http.Location = req.http.{Hop.MOUNT} + resp.http.{Hop.MOVED}"),
        when(
            f'req.http.{Hop.SEARCH} != ""',
            act(f'set resp.http.Location = resp.http.Location + "?" + req.http.{Hop.SEARCH}'),
        ),
        act(f"unset resp.http.{Hop.MOVED}"),
    )


def _let_keep(condition: str, value: str) -> Branch:
    return Branch(condition=condition, body=(act(f'set resp.http.Cache-Control = "{value}"'),))
