"""Maps a visitor's path to the object to request from the store: canonical spelling, one URL for each page."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.core.url_path import canonical_path
from handshake.edge.cache.compile.target import ReleaseRoute
from handshake.syntax.vcl import Block, Branch, If, Statement, act, escape_pattern, quote, sub, when

PATH = f"req.http.{Hop.PATH}"
"""The request's path in canonical form, without the query."""
BELOW = f"req.http.{Hop.BELOW}"
"""The path below the site's mount; starts with a slash."""

_PLAIN = r"[^A-Za-z0-9._~/-]"
_BROKEN = r"%(?![0-9A-Fa-f]{2})"
_TRANSCODE = f"blob.transcode(decoding=URL, encoding=URL, case=UPPER, encoded={PATH})"


def spell_path() -> tuple[Statement, ...]:
    """Return vcl_recv's part that decodes a path once and encodes it again, so that each has one spelling."""
    return (
        act(f'set {PATH} = regsub(req.url, "\\?.*$", "")'),
        act(f'set req.http.{Hop.SEARCH} = regsub(req.url, "^[^?]*\\??", "")'),
        when(
            f"{PATH} ~ {quote(_PLAIN)} && {PATH} !~ {quote(_BROKEN)}",
            act(f'set {PATH} = regsuball({_TRANSCODE}, "%2F", "/")'),
        ),
    )


def refuse_broken_path() -> If:
    """Return the part that refuses a path which cannot be decoded."""
    return when(f"{PATH} ~ {quote(_BROKEN)}", act('return (synth(400, "Bad Request"))'))


def describe_shape(route: ReleaseRoute) -> str:
    """Return the words by which the fetch knows what it need not ask for."""
    shape, contract = route.shape, route.contract
    words = {
        "pretty": contract.is_pretty,
        "bare": shape.has_bare,
        "flat": shape.has_flat and contract.is_pretty,
        "folders": shape.has_folders,
        "dotted": shape.has_dotted,
        "encoded": bool(contract.encodings),
    }
    return " ".join(word for word, is_true in words.items() if is_true)


def show_address(file: str, *, is_pretty: bool) -> str:
    """Return the address below the mount at which a file of a release is found."""
    address = f"/{file}"
    if address.endswith("/index.html"):
        return address.removesuffix("index.html")
    return address.removesuffix(".html") if is_pretty else address


def is_asset(prefixes: tuple[str, ...]) -> str:
    """Return the condition that a path below the mount lies in one of these folders."""
    return f"{BELOW} ~ {quote('^/(?:' + '|'.join(escape_pattern(canonical_path(prefix)) for prefix in prefixes) + ')')}"


def next_candidate() -> Block:
    """Return the subroutine that names the next file which could be meant by a path, or says that there is none.

    The store knows exact keys alone. It is asked for at most three, and the answer is kept under the path:
    `/about` may be the file about, the page about.html, or the folder about with an index, whose one address is
    `/about/`. What moves to another address is remembered as Hop.MOVED.
    """
    return sub(
        "next_candidate",
        act(f"unset bereq.http.{Hop.FILE}"),
        act(f"unset bereq.http.{Hop.MOVED}"),
        when(f'bereq.http.{Hop.STEP} == "0"', act(f'set bereq.http.{Hop.STEP} = "1"'), _try_exact()),
        when(
            f'!bereq.http.{Hop.FILE} && bereq.http.{Hop.STEP} == "1"',
            act(f'set bereq.http.{Hop.STEP} = "2"'),
            _try_page(),
        ),
        when(
            f'!bereq.http.{Hop.FILE} && bereq.http.{Hop.STEP} == "2"',
            act(f'set bereq.http.{Hop.STEP} = "3"'),
            _try_folder(),
        ),
        when(f"!bereq.http.{Hop.FILE}", act(f'set bereq.http.{Hop.STEP} = "none"')),
    )


_IS_DOCUMENT = f'bereq.http.{Hop.KIND} == "document"'
_HAS_EXTENSION = rf'bereq.http.{Hop.KEY} ~ "\.[^/.]*$"'
_MAY_BE_PAGE = (
    f"{_IS_DOCUMENT} && "
    f'({_HAS_EXTENSION.replace(" ~ ", " !~ ")} || bereq.http.{Hop.TRAITS} ~ "dotted") && '
    f'bereq.http.{Hop.KEY} !~ "\\.html$"'
)


def _try_exact() -> If:
    key = f"bereq.http.{Hop.KEY}"
    is_pretty = f'{_IS_DOCUMENT} && bereq.http.{Hop.TRAITS} ~ "pretty"'
    return If(
        branches=(
            _branch(f'{key} ~ "/$"', file=f'{key} + "index.html"'),
            _branch(
                f'{is_pretty} && {key} ~ "/index\\.html$"',
                file=key,
                moved=f'regsub(bereq.http.{Hop.BELOW}, "index\\.html$", "")',
            ),
            _branch(
                f'{is_pretty} && {key} ~ "\\.html$"',
                file=key,
                moved=f'regsub(bereq.http.{Hop.BELOW}, "\\.html$", "")',
            ),
            _branch(f'!({_IS_DOCUMENT}) || {_HAS_EXTENSION} || bereq.http.{Hop.TRAITS} ~ "bare"', file=key),
        )
    )


def _try_page() -> If:
    key = f"bereq.http.{Hop.KEY}"
    return when(
        f'{_MAY_BE_PAGE} && bereq.http.{Hop.TRAITS} ~ "flat"',
        If(
            branches=(
                _branch(f'{key} !~ "/$"', file=f'{key} + ".html"'),
                _branch(
                    f'{key} !~ "^/sites/[^/]+/[^/]+/$"',
                    file=f'regsub({key}, "/$", ".html")',
                    moved=f'regsub(bereq.http.{Hop.BELOW}, "/$", "")',
                ),
            )
        ),
    )


def _try_folder() -> If:
    key = f"bereq.http.{Hop.KEY}"
    folder = _branch(
        f'{_MAY_BE_PAGE} && bereq.http.{Hop.TRAITS} ~ "folders" && {key} !~ "/$"',
        file=f'{key} + "/index.html"',
        moved=f'bereq.http.{Hop.BELOW} + "/"',
    )
    return If(branches=(folder,))


def _branch(condition: str, *, file: str, moved: str = "") -> Branch:
    found: tuple[Statement, ...] = (act(f"set bereq.http.{Hop.FILE} = {file}"),)
    if moved:
        found = (*found, act(f"set bereq.http.{Hop.MOVED} = {moved}"))
    return Branch(condition=condition, body=found)
