"""What sites need of the door: the visitor's own words about encodings, and a digest of what opens a preview."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.syntax.haproxy import Line, line


def tell_about_visitor() -> tuple[Line, ...]:
    """Return the lines that tell the cache what Varnish would forget, or cannot compute."""
    return (
        line(
            "http-request",
            *("set-header", Hop.ACCEPT_ENCODING, "%[req.fhdr(accept-encoding)]"),
            *("if", "{", "req.fhdr(accept-encoding)", "-m", "found", "}"),
        ),
        line(
            "http-request",
            *("set-header", Hop.CREDENTIAL, "%[req.fhdr(authorization),sha2(256),hex]"),
            *("if", "{", "req.fhdr(authorization)", "-m", "found", "}"),
            *("{", "req.fhdr(host)", "-m", "sub", "-i", "--", "--", "}"),
        ),
    )
