"""Compressed variants: which one a visitor gets, and where it lies in the store."""

from __future__ import annotations

from handshake.core.compressible import COMPRESSIBLE_EXTENSIONS, Encoding
from handshake.core.hop_header import Hop
from handshake.edge.vcl.site_paths import BELOW
from handshake.syntax.vcl import Branch, If, act, quote, when

_ACCEPTED = f"req.http.{Hop.ACCEPT_ENCODING}"
"""The visitor's own words, which the door keeps: Varnish knows gzip alone, and forgets the others."""
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
