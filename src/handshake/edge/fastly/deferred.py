"""What is left to the door behind Fastly, which has the same rules and knows the same client."""

from __future__ import annotations

from handshake.edge.actions import Decoy
from handshake.edge.decoy_text import find_places
from handshake.syntax.vcl import Act, act


def is_for_the_door(decoy: Decoy) -> bool:
    """Tell whether only the door can give a decoy as it is meant: Fastly cannot wait, and remembers nothing."""
    texts = tuple(answer.body for answer in decoy.answers)
    has_headers = any(answer.headers for answer in decoy.answers)
    return bool(decoy.latency_ms or has_headers or find_places(texts))


def hand_to_door() -> tuple[Act, ...]:
    """Return vcl_recv's part of such a decoy: no later rule is asked, and nothing is cached."""
    return act('set req.http.X-HS-Pass = "1"'), act("return(pass)")
