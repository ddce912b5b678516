"""The edge policy -> the door's HAProxy configuration."""

from __future__ import annotations

from handshake.edge.door.access_log import print_log_format, remember_answer, remember_request
from handshake.edge.door.acme import answer_challenges, let_challenges_in, route_challenges
from handshake.edge.door.challenges import accept_solutions, keep_puzzles, needs_challenges
from handshake.edge.door.client import (
    expect_proxy_protocol,
    identify_client,
    remember_client,
    spell_client,
    tell_cache,
)
from handshake.edge.door.decoys import keep_decoys
from handshake.edge.door.egress import compile_egress
from handshake.edge.door.findings import find_out, keep_rates, tell_findings
from handshake.edge.door.heads import add_other_headers
from handshake.edge.door.limits import count_failures, keep_limits
from handshake.edge.door.live_data import define_live_data
from handshake.edge.door.own_answers import use_own_answers
from handshake.edge.door.rules import compile_rules, finish_rules
from handshake.edge.door.sites import tell_about_visitor
from handshake.edge.door.splits import set_arm_cookies
from handshake.edge.door.strictness import refuse_malformed
from handshake.edge.door.surroundings import Accounts, DoorSurroundings, Listener
from handshake.edge.policy import Policy
from handshake.syntax.haproxy import Line, Section, line

_HIGHEST_LINE_BYTES = "16384"
_IF_SOCKET = ("if", "{", "req.hdr(upgrade)", "-m", "str", "-i", "websocket", "}")
_UNLESS_DATED = ("unless", "{", "res.hdr(date)", "-m", "found", "}")


def compile_door(policy: Policy, surroundings: DoorSurroundings) -> tuple[Section, ...]:
    """Return the configuration's sections; the same input gives the same text."""
    return (
        _compile_global(surroundings),
        _compile_defaults(),
        _compile_public(policy, surroundings),
        _compile_cache(surroundings),
        *answer_challenges(surroundings),
        _compile_sockets(surroundings),
        *keep_rates(policy),
        *keep_limits(policy),
        *keep_puzzles(policy, surroundings.decoy_key),
        *keep_decoys(policy, surroundings.decoy_key),
        *(
            section
            for region in surroundings.regions
            for section in compile_egress(region, surroundings.accounts)
        ),
    )


def _compile_global(surroundings: DoorSurroundings) -> Section:
    return Section(
        words=("global",),
        lines=(
            line("description", surroundings.digest),
            *_name_certificates(surroundings),
            *_become(surroundings.accounts),
            line("log", "stdout", "len", _HIGHEST_LINE_BYTES, "format", "raw", "local0"),
            line(
                "stats",
                "socket",
                surroundings.runtime_socket,
                *("mode", "600", "level", "admin", "expose-fd", "listeners"),
            ),
            line("stats", "timeout", "30s"),
            line("hard-stop-after", "60s"),
        ),
    )


def _name_certificates(surroundings: DoorSurroundings) -> tuple[Line, ...]:
    """Return the line that makes a configuration another one when a certificate is renewed."""
    if not surroundings.certificates:
        return ()
    return (
        line("setenv", "CERTIFICATES", surroundings.certificates),
        line("ssl-default-bind-options", "ssl-min-ver", "TLSv1.2"),
    )


def _become(accounts: Accounts) -> tuple[Line, ...]:
    if not accounts.door:
        return ()
    return line("user", accounts.door), line("group", accounts.door_group or accounts.door)


def _compile_defaults() -> Section:
    return Section(
        words=("defaults",),
        lines=(
            line("mode", "http"),
            line("timeout", "client", "30s"),
            line("timeout", "connect", "2s"),
            line("timeout", "server", "75s"),
            line("timeout", "http-request", "5s"),
            line("timeout", "http-keep-alive", "30s"),
            line("timeout", "queue", "5s"),
            line("timeout", "tarpit", "5s"),
            line("option", "idle-close-on-response"),
            line("option", "dontlognull"),
            line("unique-id-format", "%[uuid()]"),
        ),
    )


def _compile_public(policy: Policy, surroundings: DoorSurroundings) -> Section:
    return Section(
        words=("frontend", "public"),
        lines=(
            *(_bind(listener) for listener in surroundings.listeners),
            line("option", "http-restrict-req-hdr-names", "delete"),
            *expect_proxy_protocol(policy),
            line("log", "global"),
            line("log-format", print_log_format(spell_client(policy))),
            *remember_client(policy),
            remember_request(),
            *refuse_malformed(),
            *let_challenges_in(surroundings),
            line("http-request", "set-var(txn.now)", "date()"),
            *identify_client(policy, surroundings.maps),
            *find_out(policy, surroundings.maps),
            *define_live_data(policy, surroundings.maps),
            *accept_solutions(policy),
            *compile_rules(policy, surroundings.decoy_key),
            *tell_cache(policy),
            *tell_about_visitor(),
            *tell_findings(policy),
            *remember_answer(),
            *count_failures(policy),
            *set_arm_cookies(policy),
            *add_other_headers(policy),
            *finish_rules(policy),
            *_finish_answer(),
            *_fall_back(policy),
            *route_challenges(surroundings),
            *(use_own_answers() if policy.select_decoys() or needs_challenges(policy) else ()),
            line("use_backend", "sockets", *_IF_SOCKET),
            line("default_backend", "cache"),
        ),
    )


def _bind(listener: Listener) -> Line:
    tls = ("ssl", "crt", listener.certificate, "alpn", "h2,http/1.1") if listener.certificate else ()
    return line("bind", listener.address, *tls)


def _finish_answer() -> tuple[Line, ...]:
    """Return the lines that make the door's own answers look like those from behind it."""
    return (
        line("http-after-response", "set-header", "X-Request-Id", "%[unique-id]"),
        line("http-after-response", "set-header", "Date", "%[date,http_date]", *_UNLESS_DATED),
    )


def _fall_back(policy: Policy) -> tuple[Line, ...]:
    """Return the lines that show the fallback page while the cache itself is down."""
    page = ("content-type", policy.fallback.content_type, "string", policy.fallback.body)
    return tuple(line("http-error", "status", status, *page) for status in ("502", "503", "504"))


def _compile_cache(surroundings: DoorSurroundings) -> Section:
    return Section(
        words=("backend", "cache"),
        lines=(
            line("http-reuse", "always"),
            line("retries", "3"),
            line("retry-on", "conn-failure"),
            line("server", "cache", f"unix@{surroundings.cache_socket}"),
        ),
    )


def _compile_sockets(surroundings: DoorSurroundings) -> Section:
    """Return the way of WebSockets: the cache hands the connection through, so no other request may follow on it."""
    return Section(
        words=("backend", "sockets"),
        lines=(
            line("http-reuse", "never"),
            line("option", "http-server-close"),
            # A quiet WebSocket is no dead one.
            line("timeout", "tunnel", "1h"),
            line("server", "cache", f"unix@{surroundings.cache_socket}"),
        ),
    )
