"""What no honest client sends: refused at the first hop, before any rule is asked, as at the door.

Fastly itself writes every request anew; these are the forms that a rule on a path could be walked around with.
"""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.door.strictness import HOST, METHOD, SECOND_SPELLINGS
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Block, Branch, If, act, sub

REFUSED = 601
"""Fastly leaves the statuses from 600 to 699 to its customers; nobody outside sees them."""
NOT_ALLOWED = 602


def refuse_malformed() -> Block:
    """Return the subroutine that refuses requests of doubtful form."""
    refusals = (
        ("strict-path", f"req.url.path !~ {quote('^/')}", REFUSED),
        ("strict-path", f"req.url.path ~ {quote('(?i)' + '|'.join(SECOND_SPELLINGS))}", REFUSED),
        ("strict-host", f"!req.http.Host || req.http.Host !~ {quote(f'(?i){HOST}')}", REFUSED),
        ("strict-method", f"req.method ~ {quote('^(CONNECT|TRACE)$')}", NOT_ALLOWED),
        ("strict-form", f"req.method !~ {quote(METHOD)}", REFUSED),
    )
    return sub(
        "hs_strict_recv",
        If(branches=tuple(_refuse(name, condition, status) for name, condition, status in refusals)),
    )


def _refuse(name: str, condition: str, status: int) -> Branch:
    return Branch(
        condition=condition, body=(act(f'set req.http.{Hop.RULE} = "{name}"'), act(f"error {status}"))
    )
