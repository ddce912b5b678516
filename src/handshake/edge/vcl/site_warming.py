"""The agent's own requests, by which a release's documents are in the cache before a visitor asks for them."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.syntax.vcl import If, act, when

WARM = Hop.WARM


def hear_warming() -> If:
    """Return vcl_recv's part: what comes without the door's word about a client comes from the agent.

    It says itself of which release it speaks, so that what is fetched need not be live.
    """
    return when(f"req.http.{WARM} && !req.http.{Hop.CLIENT}", act("call serve_site"))
