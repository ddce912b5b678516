"""One backend for each service: its members come and go at runtime, its rules are the same for all."""

from __future__ import annotations

from http import HTTPStatus

from handshake.gateway.haproxy.answers import error
from handshake.gateway.haproxy.member import MEMBER_WORDS, member_address
from handshake.gateway.surroundings import Pool
from handshake.syntax.haproxy import Line, Section, line


def compile_pool(pool: Pool) -> Section:
    """Return a service's pool with the members that it has today."""
    return Section(
        words=("backend", pool.service),
        lines=(
            line("balance", "leastconn"),
            line("option", "redispatch", "1"),
            line("retries", "3"),
            line("retry-on", "conn-failure", "empty-response"),
            # Measured: a POST sent again after an empty answer was carried out twice.
            line("http-request", "disable-l7-retry", "if", "!", "METH_GET"),
            line("http-request", "set-timeout", "server", "var(txn.timeout_ms)"),
            # An error, not a rule on `nbsrv`: that is 0 too in an old worker that is about to finish.
            line(*error(HTTPStatus.SERVICE_UNAVAILABLE, f"No member of {pool.service} answers now.")),
            *_health_lines(pool),
            *_member_lines(pool),
        ),
    )


def _health_lines(pool: Pool) -> tuple[Line, ...]:
    request = ("meth", "GET", "uri", pool.health_path, "ver", "HTTP/1.1", "hdr", "Host", pool.service)
    return (
        line("option", "httpchk"),
        line("http-check", "send", *request),
        line("http-check", "expect", "status", "200"),
    )


def _member_lines(pool: Pool) -> tuple[Line, ...]:
    members = sorted(pool.members, key=lambda member: member.id)
    return tuple(line("server", member.id, member_address(member), *MEMBER_WORDS) for member in members)
