"""The sections `global` and `defaults`: what holds for the program and for everything in it."""

from __future__ import annotations

from handshake.gateway.haproxy.answers import JSON_ERRORS
from handshake.gateway.policy import GatewayPolicy
from handshake.gateway.surroundings import Surroundings
from handshake.syntax.haproxy import Line, Section, line

_LEAST_BUFFER_BYTES = 16_384
_BUFFER_RESERVE_BYTES = 2_048
"""What HAProxy keeps free in a buffer for header rewriting (1,024), and the answer's own headers."""
_LEAST_GRACE_SECONDS = 60
_CONNECTIONS = 4_000
"""Each takes two open files. Without a limit HAProxy reserves memory for as many as the user may open."""


def compile_global(policy: GatewayPolicy, surroundings: Surroundings) -> Section:
    """Return what holds for the program as a whole."""
    socket = ("stats", "socket", str(surroundings.runtime_socket), "mode", "600", "level", "admin")
    return Section(
        words=("global",),
        lines=(
            line("description", surroundings.digest),
            # Handing over the listeners is what makes a reload lose no connection.
            line(*socket, "expose-fd", "listeners"),
            line("hard-stop-after", f"{_grace_seconds(policy)}s"),
            line("maxconn", str(_CONNECTIONS)),
            line("tune.bufsize", str(_buffer_bytes(surroundings.description))),
            line("log", "stdout", "format", "raw", "local0"),
            *_account_lines(surroundings),
        ),
    )


def compile_defaults() -> Section:
    """Return what holds for the entrance and the pools."""
    return Section(
        words=("defaults",),
        lines=(
            line("mode", "http"),
            # Measured: with kept connections, a reload and a burst meet on an old worker's dead members.
            line("option", "httpclose"),
            line("option", "dontlognull"),
            # X_Forwarded_For is X-Forwarded-For to an application behind CGI or WSGI.
            line("option", "http-restrict-req-hdr-names", "delete"),
            line("timeout", "http-request", "10s"),
            line("timeout", "client", "60s"),
            line("timeout", "connect", "2s"),
            line("timeout", "queue", "5s"),
            line("timeout", "server", "30s"),
            # An upgraded connection may be quiet for long: without this, a route's own timeout would cut it.
            line("timeout", "tunnel", "1h"),
            line("timeout", "check", "2s"),
            *JSON_ERRORS,
        ),
    )


def _account_lines(surroundings: Surroundings) -> tuple[Line, ...]:
    account = surroundings.account
    return (line("user", account.user), line("group", account.group)) if account else ()


def _grace_seconds(policy: GatewayPolicy) -> int:
    """Return how long an old worker may finish its requests: longer than the longest."""
    longest = max((route.timeout_seconds for route in policy.route), default=0)
    return max(_LEAST_GRACE_SECONDS, int(longest) + 10)


def _buffer_bytes(description: str) -> int:
    """Return a buffer size that holds the description whole, as an answer of HAProxy's own must."""
    needed = len(description.encode()) + _BUFFER_RESERVE_BYTES
    size = _LEAST_BUFFER_BYTES
    while size < needed:
        size *= 2
    return size
