"""Connections that last: WebSockets are handed through as they are, event streams are passed on as they come."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.syntax.vcl import Block, Statement, act, sub, when

_LONGEST = "1h"
"""What an answer may take in all where it is a stream; any other has a minute."""


def hand_through_sockets() -> tuple[Statement, ...]:
    """Return vcl_recv's part behind the rules: from here on nobody but client and instance reads what is said.

    The door gives such a request a connection of its own, which it never uses for another one.
    """
    return (when('req.http.Upgrade ~ "(?i)^websocket$" && req.method == "GET"', act("return (pipe)")),)


def upgrade_pipe() -> Block:
    """Return vcl_pipe: Varnish takes off what concerns one connection only, and this concerns the whole way."""
    return sub(
        "vcl_pipe",
        act('set bereq.http.Connection = "Upgrade"'),
        act("set bereq.http.Upgrade = req.http.Upgrade"),
        act(f"unset bereq.http.{Hop.LISTS}"),
        act(f"unset bereq.http.{Hop.SWITCHES}"),
        act("return (pipe)"),
    )


def pass_streams() -> Statement:
    """Return vcl_recv's part: who asks for events waits for nobody else's."""
    return when('req.http.Accept ~ "(?i)text/event-stream"', act("return (pass)"))


def let_streams_last() -> Statement:
    """Return vcl_deliver's part: a stream is no answer that is stuck."""
    return when(
        'resp.http.Content-Type ~ "(?i)^text/event-stream"', act(f"set sess.send_timeout = {_LONGEST}")
    )
