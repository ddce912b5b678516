"""Decoys at Fastly: the same choice as the door's, where Fastly shows the body (below 8 KB).

A decoy that takes its time, or whose answers differ in more than the choice, is handed to the door, which has the same
rule: Fastly cannot wait, and remembers nothing. It comes the way that a real answer comes.
"""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.actions import Decoy
from handshake.edge.fastly.conditions import NOW
from handshake.edge.fastly.seals import seal
from handshake.edge.policy import Rule
from handshake.syntax.vcl import Act, act

COIN = Hop.COIN


def choose_answer(rule: Rule, decoy: Decoy) -> tuple[Act, ...]:
    """Return vcl_recv's part: which answer, by a keyed digest of address, hour and body."""
    body = "std.toupper(digest.hash_sha256(req.body))"
    coin = f'client.ip " " std.itoa(var.hour) " " {body} " {rule.name}"'
    return (
        act(f"set var.hour = {NOW}"),
        act("set var.hour /= 3600"),
        act(f"set var.text = {coin}"),
        act(f"set var.text = {seal('var.text')}"),
        act("set var.count = std.strtol(substr(var.text, 0, 7), 16)"),
        act(f"set var.count %= {len(decoy.answers)}"),
        act(f"set req.http.{COIN} = std.itoa(var.count)"),
    )
