"""What a visitor gets of a site: the file, its not-found page, the release before, and how long it may be kept."""

from __future__ import annotations

from handshake.edge.vcl.site_paths import BELOW
from handshake.syntax.vcl import Act, Block, Branch, If, act, sub, when

_URL = f"req.http.X-HS-Folder + {BELOW}"
_NO_EXTENSION = f'{BELOW} !~ "\\.[^/]*$"'
_REVALIDATED = "public, max-age=0, must-revalidate"


def resolve_missing() -> Block:
    """Return the subroutine for a document that is not there: each of what the release offers is tried once."""
    return sub(
        "resolve_missing",
        If(
            branches=(
                Branch(condition="req.http.X-HS-Redirect", body=(act("call follow_redirect"),)),
                Branch(
                    condition=f"req.http.X-HS-Fallback && {_NO_EXTENSION}",
                    body=(act(f"set {BELOW} = req.http.X-HS-Fallback"), act("unset req.http.X-HS-Fallback")),
                ),
                Branch(
                    condition="",
                    body=(
                        act(f"set {BELOW} = req.http.X-HS-Not-Found"),
                        act('set req.http.X-HS-Shown = "404"'),
                        act("unset req.http.X-HS-Not-Found"),
                        act("unset req.http.X-HS-Fallback"),
                    ),
                ),
            )
        ),
        act(f"set req.url = {_URL}"),
    )


def answer_missing() -> If:
    """Return vcl_deliver's part: what the release offers where it has no such document."""
    offers = (
        f"req.http.X-HS-Redirect || req.http.X-HS-Not-Found || (req.http.X-HS-Fallback && {_NO_EXTENSION})"
    )
    return when(
        f'resp.status == 404 && req.http.X-HS-Kind == "document" && ({offers})',
        act("call resolve_missing"),
        act("return (restart)"),
    )


def retreat_to_previous() -> If:
    """Return vcl_deliver's part: a document that no region can give is taken from the release before."""
    return when(
        'resp.status >= 500 && req.http.X-HS-Previous && req.http.X-HS-Kind == "document"',
        act("set req.http.X-HS-Release = req.http.X-HS-Previous"),
        act("unset req.http.X-HS-Previous"),
        # What this release lacks, that one may have.
        act('set req.http.X-HS-Traits = req.http.X-HS-Traits + " bare flat folders"'),
        act('set req.http.X-HS-Folder = "/sites/" + req.http.X-HS-Site + "/" + req.http.X-HS-Release'),
        act(f"set {BELOW} = req.http.X-HS-Asked"),
        act("unset req.http.X-HS-Shown"),
        act(f"set req.url = {_URL}"),
        act("return (restart)"),
    )


def label_site_file() -> If:
    """Return vcl_deliver's part: where it moved to, how long browsers may keep it, and the release it is from."""
    return when(
        "req.http.X-HS-Site",
        act("unset resp.http.Age"),
        when('req.http.X-HS-Shown == "404" && resp.status == 200', act("set resp.status = 404")),
        act('set resp.http.X-HS-Release = regsub(req.http.X-HS-Release, "^(.{12}).*$", "\\1")'),
        when("resp.http.X-HS-Moved", *_name_location()),
        when(
            "resp.http.X-HS-Varies",
            act('set resp.http.Vary = "Accept-Encoding"'),
            act("unset resp.http.X-HS-Varies"),
        ),
        If(
            branches=(
                _let_keep('req.http.X-HS-Kind == "asset"', "public, max-age=31536000, immutable"),
                _let_keep("", _REVALIDATED),
            )
        ),
        when("req.http.X-HS-Headers", act("call add_headers")),
        when("resp.status >= 400", act('set resp.http.Cache-Control = "no-store"')),
    )


def label_site_answer() -> If:
    """Return vcl_synth's part: a browser asks again each time, so that a redirect goes with its release."""
    return when(
        "req.http.X-HS-Site",
        act(f'set resp.http.Cache-Control = "{_REVALIDATED}"'),
        when("resp.status >= 400", act('set resp.http.Cache-Control = "no-store"')),
        act('set resp.http.X-HS-Release = regsub(req.http.X-HS-Release, "^(.{12}).*$", "\\1")'),
    )


def _name_location() -> tuple[Act | If, ...]:
    return (
        act("set resp.http.Location = req.http.X-HS-Mount + resp.http.X-HS-Moved"),
        when(
            'req.http.X-HS-Search != ""',
            act('set resp.http.Location = resp.http.Location + "?" + req.http.X-HS-Search'),
        ),
        act("unset resp.http.X-HS-Moved"),
    )


def _let_keep(condition: str, value: str) -> Branch:
    return Branch(condition=condition, body=(act(f'set resp.http.Cache-Control = "{value}"'),))
