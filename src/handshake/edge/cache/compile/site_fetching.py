"""Fetching a site's file: one region after the other, compressed where the visitor accepts it."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.cache.compile.pages import hand_through, is_too_large
from handshake.edge.cache.compile.site_paths import BELOW, next_candidate
from handshake.edge.cache.compile.target import RegionSocket
from handshake.release.manifest import COMPRESSIBLE_EXTENSIONS, Encoding
from handshake.syntax.vcl import Block, Branch, If, Statement, act, quote, sub, when

_LONG = "30d"
_ASSET_ABSENT = "10s"
_DOCUMENT_ABSENT = "60s"
_STREAMED_BYTES = 8 * 1024 * 1024
"""From this size on, visitors need not wait for the whole file; smaller ones are sent once complete."""
_DOUBTFUL_TTL = "5s"


def name_region(region: RegionSocket) -> str:
    """Return the name of a region's backend."""
    return f"region_{region.name.replace('-', '_')}"


def fetch_site_file(regions: tuple[RegionSocket, ...]) -> tuple[Statement, ...]:
    """Return vcl_backend_fetch's part."""
    if not regions:
        return ()
    backends = tuple(
        Branch(
            condition=f'bereq.http.{Hop.REGION} == "{number}"',
            body=(act(f"set bereq.backend = {name_region(region)}"),),
        )
        for number, region in enumerate(regions)
    )
    return (
        when(
            f"bereq.http.{Hop.SITE}",
            when(
                "bereq.retries == 0",
                act(f"set bereq.http.{Hop.KEY} = bereq.url"),
                act(f'set bereq.http.{Hop.REGION} = "0"'),
                act(f'set bereq.http.{Hop.STEP} = "0"'),
                # The answer may be about another file than the one that is kept.
                *(act(f"unset bereq.http.{name}") for name in _CONDITIONS),
                act("call next_candidate"),
                when(f'bereq.http.{Hop.STEP} == "none"', act(f'set bereq.http.{Hop.OUTCOME} = "absent"')),
            ),
            when(f'bereq.http.{Hop.OUTCOME} == "absent"', act('return (error(404, "Not Found"))')),
            when(f"bereq.http.{Hop.FILE}", name_variant()),
            If(branches=backends),
        ),
    )


_CONDITIONS = ("Accept-Encoding", "If-Modified-Since", "If-None-Match", "Range")


def describe_fetching(regions: tuple[RegionSocket, ...], storage_megabytes: int) -> tuple[Block, ...]:
    """Return the subroutines that stand behind a fetch."""
    if not regions:
        return ()
    return (
        next_candidate(),
        _next_region(len(regions)),
        _ask_for_another(),
        _keep_site_file(storage_megabytes),
        _fail_site_file(),
    )


def _next_region(count: int) -> Block:
    """Go to the next region; after the last one, say what is known.

    A region that says that an asset is absent is believed where all say so. Where one could not answer, or refused
    to, another may lag behind: it is asked for the release's index, which every release has. Of a document it is
    asked in any case: who has lost a release says of all its documents that there are none.
    """
    steps = tuple(
        Branch(
            condition=f'bereq.http.{Hop.REGION} == "{number}"',
            body=(act(f'set bereq.http.{Hop.REGION} = "{number + 1}"'), *_begin_region()),
        )
        for number in range(count - 1)
    )
    told = (
        Branch(
            condition=f'bereq.http.{Hop.ABSENT} && !bereq.http.{Hop.DOUBT} && bereq.http.{Hop.KIND} == "asset"',
            body=(act(f'set bereq.http.{Hop.OUTCOME} = "absent"'),),
        ),
        Branch(
            condition=f"bereq.http.{Hop.ABSENT}",
            body=(
                act(f'set bereq.http.{Hop.WITNESS} = "asked"'),
                act(f"set bereq.http.{Hop.REGION} = bereq.http.{Hop.ABSENT}"),
                act(
                    f'set bereq.url = "/sites/" + bereq.http.{Hop.SITE} + "/" + bereq.http.{Hop.RELEASE} + "/index.html"'
                ),
                act(f"unset bereq.http.{Hop.FILE}"),
                act("return (retry)"),
            ),
        ),
        Branch(condition="", body=(act(f'set bereq.http.{Hop.OUTCOME} = "failed"'),)),
    )
    return sub(
        "next_region",
        when(
            f"bereq.http.{Hop.WITNESS}",
            act(f'set bereq.http.{Hop.OUTCOME} = "failed"'),
        ),
        when(f"!bereq.http.{Hop.OUTCOME}", If(branches=(*steps, *told)) if steps else If(branches=told)),
    )


def _begin_region() -> tuple[Statement, ...]:
    return (
        act(f'set bereq.http.{Hop.STEP} = "0"'),
        act(f"unset bereq.http.{Hop.AS_IS}"),
        act("call next_candidate"),
        act("return (retry)"),
    )


def _keep_site_file(storage_megabytes: int) -> Block:
    """Return the subroutine of vcl_backend_response for files."""
    return sub("keep_site_file", _judge_answer(), *_end_search(), *_keep(storage_megabytes))


def _judge_answer() -> If:
    """Return the part that asks on unless the answer is the file, or the index that bears a region out."""
    return If(
        branches=(
            Branch(
                condition=f"bereq.http.{Hop.WITNESS} && beresp.status == 200",
                body=(
                    act(f'set bereq.http.{Hop.OUTCOME} = "absent"'),
                    act('return (error(404, "Not Found"))'),
                ),
            ),
            # S3 answers 403 for what is missing where its listing is private.
            Branch(
                condition=f"!bereq.http.{Hop.WITNESS} && (beresp.status == 404 || beresp.status == 403)",
                body=(act("call ask_for_another"),),
            ),
            Branch(
                condition="beresp.status != 200",
                body=(act(f'set bereq.http.{Hop.DOUBT} = "yes"'), act("call next_region")),
            ),
        )
    )


def _end_search() -> tuple[Statement, ...]:
    """Return the part that ends a search which found no file here."""
    return (
        when(f'bereq.http.{Hop.OUTCOME} == "absent"', act('return (error(404, "Not Found"))')),
        when(f"bereq.http.{Hop.OUTCOME}", act("return (error(503))")),
        when(
            f"bereq.http.{Hop.MOVED}",
            act(f'set bereq.http.{Hop.OUTCOME} = "moved"'),
            act('return (error(308, "Permanent Redirect"))'),
        ),
    )


def _keep(storage_megabytes: int) -> tuple[Statement, ...]:
    """Return the part that keeps a file for as long as the cache has room."""
    return (
        *(act(f"unset beresp.http.{name}") for name in _STORES_OWN),
        *label_variant(),
        act(f"set beresp.ttl = {_LONG}"),
        act(f"set beresp.grace = {_LONG}"),
        act("set beresp.do_gzip = false"),
        act("set beresp.do_gunzip = false"),
        when(is_too_large(storage_megabytes), *hand_through()),
        # A body that breaks off is then a fetch that failed, and the next region is asked.
        when(
            f"std.integer(beresp.http.Content-Length, 0) < {_STREAMED_BYTES}",
            act("set beresp.do_stream = false"),
        ),
        act("return (deliver)"),
    )


_STORES_OWN = ("Set-Cookie", "Cache-Control", "Expires", "Pragma", "Vary", "Content-Encoding")


def _ask_for_another() -> Block:
    """Return the subroutine for what a region says it lacks: the file as it is, the next candidate, the next region."""
    return sub(
        "ask_for_another",
        when(
            is_variant(),
            act(f'set bereq.http.{Hop.AS_IS} = "yes"'),
            act("return (retry)"),
        ),
        when("beresp.status == 403", act(f'set bereq.http.{Hop.DOUBT} = "yes"')),
        act(f"unset bereq.http.{Hop.AS_IS}"),
        act("call next_candidate"),
        when(f'bereq.http.{Hop.STEP} != "none"', act("return (retry)")),
        act(f"set bereq.http.{Hop.ABSENT} = bereq.http.{Hop.REGION}"),
        act("call next_region"),
    )


def _fail_site_file() -> Block:
    """Return the subroutine of vcl_backend_error for files: no answer, a broken body, or what was found out."""
    return sub(
        "fail_site_file",
        when(
            f"!bereq.http.{Hop.OUTCOME}",
            act(f'set bereq.http.{Hop.DOUBT} = "yes"'),
            act("call next_region"),
        ),
        when(
            f'bereq.http.{Hop.OUTCOME} == "moved"',
            act("set beresp.status = 308"),
            act(f"set beresp.http.{Hop.MOVED} = bereq.http.{Hop.MOVED}"),
            act(f"set beresp.ttl = {_LONG}"),
            act('set beresp.body = ""'),
            act("return (deliver)"),
        ),
        when(f'bereq.http.{Hop.OUTCOME} == "absent"', *_say_absent()),
        when("beresp.status < 500", act("set beresp.status = 503")),
    )


def _say_absent() -> tuple[Statement, ...]:
    """Return the part that keeps for a while that there is no such file."""
    kept = (
        (f"bereq.http.{Hop.DOUBT}", _DOUBTFUL_TTL),
        (f'bereq.http.{Hop.KIND} == "asset"', _ASSET_ABSENT),
        ("", _DOCUMENT_ABSENT),
    )
    return (
        act("set beresp.status = 404"),
        act("set beresp.grace = 0s"),
        If(
            branches=tuple(
                Branch(condition=condition, body=(act(f"set beresp.ttl = {ttl}"),)) for condition, ttl in kept
            )
        ),
        act('set beresp.http.Content-Type = "text/plain; charset=utf-8"'),
        act('set beresp.body = {"Not Found\n"}'),
        act("return (deliver)"),
    )


# Compressed variants: which one a visitor gets, and where it lies in the store.

_ACCEPTED = f"req.http.{Hop.ACCEPT_ENCODING}"
"""The visitor's own header, which the ingress preserves: Varnish supports only gzip, and drops the others."""
_COMPRESSIBLE = rf"(?i)\.(?:{'|'.join(COMPRESSIBLE_EXTENSIONS)})$"
_MAY_HAVE_VARIANTS = rf"(?i)(?:/|/[^/.]+|\.(?:{'|'.join(COMPRESSIBLE_EXTENSIONS)}))$"
_FOLDERS = f"^/(?:{'|'.join(encoding.folder for encoding in Encoding)})"
_ASKED = f"bereq.http.{Hop.VARIANT}"
_ZERO = r"0(?:\.0*)?"


def choose_encoding() -> If:
    """Return vcl_recv's part: brotli, zstd, gzip, or the file as it is; what has the weight 0 is not accepted."""
    branches = tuple(
        Branch(
            condition=f"{_ACCEPTED} ~ {quote(_accepts(encoding))}",
            body=(act(f'set req.http.{Hop.ENCODING} = "{encoding}"'),),
        )
        for encoding in Encoding
    )
    return when(
        f'req.http.{Hop.TRAITS} ~ "encoded" && {BELOW} ~ {quote(_MAY_HAVE_VARIANTS)}', If(branches=branches)
    )


def name_variant() -> If:
    """Return vcl_backend_fetch's part: the URL of the variant, or of the file where it has none."""
    variant = (
        f'regsub(bereq.http.{Hop.FILE}, "^(/sites/[^/]+/[^/]+/)", "\\1~" + bereq.http.{Hop.ENCODING} + "/")'
    )
    is_wanted = (
        f"bereq.http.{Hop.ENCODING} && !bereq.http.{Hop.AS_IS} && "
        f"bereq.http.{Hop.FILE} ~ {quote(_COMPRESSIBLE)} && !bereq.http.{Hop.MOVED}"
    )
    return If(
        branches=(
            Branch(
                condition=is_wanted,
                body=(act(f"set bereq.url = {variant}"), act(f'set {_ASKED} = "yes"')),
            ),
            Branch(
                condition="", body=(act(f"set bereq.url = bereq.http.{Hop.FILE}"), act(f"unset {_ASKED}"))
            ),
        )
    )


def is_variant() -> str:
    """Return the condition that the store was asked for a variant."""
    return _ASKED


def hide_variants() -> If:
    """Return vcl_recv's part: a variant has no address of its own."""
    return when(f"{BELOW} ~ {quote(_FOLDERS)}", act('return (synth(404, "Not Found"))'))


def label_variant() -> tuple[If, ...]:
    """Return vcl_backend_response's part: what the body is, and that others exist."""
    return (
        when(is_variant(), act(f"set beresp.http.Content-Encoding = bereq.http.{Hop.ENCODING}")),
        when(
            f'bereq.http.{Hop.TRAITS} ~ "encoded" && bereq.http.{Hop.FILE} ~ {quote(_COMPRESSIBLE)}',
            act(f'set beresp.http.{Hop.VARIES} = "yes"'),
        ),
    )


def _accepts(encoding: Encoding) -> str:
    return rf"(?i)(?:^|,)\s*{encoding}\s*(?:;\s*q\s*=\s*(?!{_ZERO}\s*(?:,|$))[^,]*)?(?:,|$)"
