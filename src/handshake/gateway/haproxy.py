"""The gateway's policy and pools as a HAProxy configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from handshake.catalog.entries import Endpoint
from handshake.core.hop_header import HOP_PREFIX, Hop
from handshake.gateway.policy import DESCRIPTION_PATH, GatewayPolicy, Retries, Route
from handshake.syntax.haproxy import Line, Section, line


@dataclass(frozen=True, kw_only=True)
class GatewayListener:
    """The Unix socket on which the cache reaches the gateway; every client of it is trusted."""

    path: Path
    mode: int = 0o600
    user: str = ""
    """Owner of the socket; empty: the user who starts the program."""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class UnixAccount:
    """The user and group that the program switches to when root starts it."""

    user: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A service's pool when the program starts."""

    service: str
    members: tuple[Endpoint, ...] = ()
    """Members with traffic. Draining ones are left out: the old program drains them."""
    health_path: str = "/health"


@dataclass(frozen=True, kw_only=True)
class GatewayTarget:
    """Everything that a gateway's configuration depends on besides its policy."""

    digest: str
    """Identifies this configuration without its members; the running program reports it when asked."""
    listener: GatewayListener
    runtime_socket: Path
    """The socket of the runtime API; only its owner can open it."""
    account: UnixAccount | None = None
    """None if the program is started without root and keeps its user."""
    description: str = "{}"
    """The merged OpenAPI description, JSON in one line."""
    pools: tuple[Pool, ...] = ()
    """Pools of the policy that are missing here are empty."""


# Compiles a gateway policy into HAProxy's configuration.


def compile_gateway(policy: GatewayPolicy, target: GatewayTarget) -> tuple[Section, ...]:
    """Return the configuration: one entrance, and one pool for each service that the policy names."""
    pools = {pool.service: pool for pool in target.pools}
    services = sorted({route.service for route in policy.route})
    return (
        compile_global(policy, target),
        compile_defaults(),
        compile_entrance(policy, target),
        *(compile_pool(pools.get(service, Pool(service=service))) for service in services),
    )


# The frontend: one Unix socket, the routes from the longest to the shortest, and nothing else.

_IDENTIFIED = ("{", "req.hdr(X-Request-Id)", "-m", "found", "}")
_ROUTED = ("{", "var(txn.route)", "-m", "found", "}")


def compile_entrance(policy: GatewayPolicy, target: GatewayTarget) -> Section:
    """Return the frontend: find the route, apply its limits, hand over to its pool."""
    routes = sorted(policy.route, key=lambda route: (-len(route.path), route.path))
    return Section(
        words=("frontend", "gateway"),
        lines=(
            _bind_line(target.listener),
            # Only here, not in `defaults`: the pools would mix their own plain sentences in.
            line("log", "global"),
            line("log-format", ACCESS_LOG),
            *_REMEMBER,
            hide_inner_headers(),
            refuse_forged_words(),
            _description_line(target.description),
            *(each for route in routes for each in _find_lines(route)),
            line(*answer(HTTPStatus.NOT_FOUND, "No service answers at this path."), "unless", *_ROUTED),
            *(each for route in routes for each in _limit_lines(route)),
            *(line("use_backend", route.service, "if", *_on(route)) for route in routes),
        ),
    )


_REMEMBER: tuple[Line, ...] = (
    line("http-request", "set-header", "X-Request-Id", "%[uuid]", "unless", *_IDENTIFIED),
    line("http-request", "set-var(txn.request_id)", "req.hdr(X-Request-Id)"),
    line("http-request", "set-var(txn.method)", "method"),
    line("http-request", "set-var(txn.path)", "path"),
)


def _bind_line(listener: GatewayListener) -> Line:
    user = ("user", listener.user) if listener.user else ()
    group = ("group", listener.group) if listener.group else ()
    return line("bind", f"unix@{listener.path}", "mode", f"{listener.mode:o}", *user, *group)


def _description_line(description: str) -> Line:
    return line(
        *("http-request", "return", "status", "200", "content-type", "application/json"),
        *("string", description, "hdr", "Cache-Control", "public, max-age=60"),
        *("if", "{", "path", DESCRIPTION_PATH, "}", "METH_GET"),
    )


def _find_lines(route: Route) -> tuple[Line, ...]:
    """Return the lines that name the route of a request, unless a longer one has named it already."""
    remember = ("http-request", "set-var(txn.route)", f"str({route.path})")
    not_yet = ("!", *_ROUTED)
    because = f"gateway.toml: route {route.path} to {route.service}"
    if route.path == "/":
        return (line(*remember, "if", *not_yet, because=because),)
    return (
        line(*remember, "if", *not_yet, "{", "path", route.path, "}", because=because),
        line(*remember, "if", *not_yet, "{", "path_beg", f"{route.path}/", "}"),
    )


def _limit_lines(route: Route) -> tuple[Line, ...]:
    """Return the lines that hold a route's requests to its limits."""
    milliseconds = round(route.timeout_seconds * 1000)
    size = ("{", "req.body_size", "gt", str(route.max_body_bytes), "}")
    too_large = answer(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {route.max_body_bytes} bytes at most here."
    )
    return (
        _method_line(route),
        line(*too_large, "if", *_on(route), *size),
        line("http-request", "set-var(txn.timeout_ms)", f"int({milliseconds})", "if", *_on(route)),
        *_retry_lines(route),
    )


def _method_line(route: Route) -> Line:
    allowed = ", ".join(route.methods)
    refusal = answer(HTTPStatus.METHOD_NOT_ALLOWED, f"Allowed here: {allowed}.", "Allow", allowed)
    return line(*refusal, "if", *_on(route), "!", "{", "method", *route.methods, "}")


def _retry_lines(route: Route) -> tuple[Line, ...]:
    if route.retries is Retries.GET:
        return ()
    return (line("http-request", "disable-l7-retry", "if", *_on(route)),)


def _on(route: Route) -> tuple[str, ...]:
    return ("{", "var(txn.route)", "-m", "str", route.path, "}")


# The access log: one JSON object for each request, on standard output.

# Text that a visitor chose goes through the `json` converter; the rest HAProxy wrote itself.
_FIELDS = {
    "at": "%Ts.%ms",
    "request_id": '"%[var(txn.request_id),json(utf8s)]"',
    "method": '"%[var(txn.method),json(utf8s)]"',
    "path": '"%[var(txn.path),json(utf8s)]"',
    "route": '"%[var(txn.route)]"',
    "service": '"%b"',
    "member": '"%s"',
    "status": "%ST",
    "bytes": "%B",
    "queue_ms": "%Tw",
    "connect_ms": "%Tc",
    "answer_ms": "%Tr",
    "total_ms": "%Ta",
    "retries": "%rc",
    "ended": '"%tsc"',
}

ACCESS_LOG = "{" + ",".join(f'"{name}":{value}' for name, value in _FIELDS.items()) + "}"
"""`at` is UTC in seconds since the epoch; a duration of -1 was not reached; the path is without its query."""


# What a service is told, and what it may say: the words of the edge's own programs to one another end at the gateway.

_PREFIX = HOP_PREFIX.lower()
_FOR_SERVICES = (Hop.CLIENT, Hop.COUNTRY)
"""Of the edge's own headers; docs/reference/gateway.md names them, and what else a service may read."""
_SPARED = "|".join(name.lower().removeprefix(_PREFIX) for name in _FOR_SERVICES)
_INNER = rf"^({_PREFIX}(?!({_SPARED})$)|x-varnish$|via$)"
"""HAProxy has names in small letters. What `Via` says is Varnish's own: a visitor's has been taken off at the ingress."""
_OF_SERVICES = rf"^{_PREFIX}(?!{Hop.CONTENT.lower().removeprefix(_PREFIX)}$)"
"""A renderer says in `Hop.CONTENT` that a page is as it was. All others would be taken for the cache's own words."""


def hide_inner_headers() -> Line:
    """Return the line that removes what only ingress and cache have a use for."""
    return line("http-request", "del-header", _INNER, "-m", "reg")


def refuse_forged_words() -> Line:
    """Return the line that removes an answer what only the cache may say to the ingress."""
    return line("http-response", "del-header", _OF_SERVICES, "-m", "reg")


# One backend for each service: its members come and go at runtime, its rules are the same for all.


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


# How a member of a pool is written, in the configuration and in the runtime command alike.

MEMBER_WORDS = (
    *("check", "inter", "500ms", "fastinter", "100ms", "downinter", "200ms", "fall", "2", "rise", "1"),
    *("weight", "10", "observe", "layer4", "error-limit", "1", "on-error", "mark-down"),
)
"""All of them each time: a member added at runtime inherits nothing from `default-server`."""


def member_address(endpoint: Endpoint) -> str:
    """Return the endpoint's address as HAProxy writes it."""
    return (
        f"[{endpoint.host}]:{endpoint.port}" if ":" in endpoint.host else f"{endpoint.host}:{endpoint.port}"
    )


# The sections `global` and `defaults`: what holds for the program and for everything in it.

_LEAST_BUFFER_BYTES = 16_384
_BUFFER_RESERVE_BYTES = 2_048
"""What HAProxy reserves in a buffer for header rewriting (1,024), and the answer's own headers."""
_LEAST_GRACE_SECONDS = 60
_CONNECTIONS = 4_000
"""Each takes two open files. Without a limit HAProxy reserves memory for as many as the user may open."""


def compile_global(policy: GatewayPolicy, target: GatewayTarget) -> Section:
    """Return what holds for the program as a whole."""
    socket = ("stats", "socket", str(target.runtime_socket), "mode", "600", "level", "admin")
    return Section(
        words=("global",),
        lines=(
            line("description", target.digest),
            # Handing over the listeners is what makes a reload lose no connection.
            line(*socket, "expose-fd", "listeners"),
            line("hard-stop-after", f"{_grace_seconds(policy)}s"),
            line("maxconn", str(_CONNECTIONS)),
            line("tune.bufsize", str(_buffer_bytes(target.description))),
            line("log", "stdout", "format", "raw", "local0"),
            *_account_lines(target),
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


def _account_lines(target: GatewayTarget) -> tuple[Line, ...]:
    account = target.account
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


# Answers that the gateway gives by itself: problems in JSON (RFC 9457).

RETRY_AFTER_SECONDS = 1

_DETAILS = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "The gateway could not handle the request.",
    HTTPStatus.BAD_GATEWAY: "The service's answer is not valid HTTP.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service does not answer.",
    HTTPStatus.GATEWAY_TIMEOUT: "The service did not answer in time.",
}

_TITLES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large"}
"""RFC 9110's titles where Python before 3.13 has older ones."""


def answer(status: HTTPStatus, detail: str, *headers: str) -> tuple[str, ...]:
    """Return the words of `http-request return` for a problem; headers as name, value, name, value."""
    return ("http-request", "return", *_reply(status, detail, *headers))


def error(status: HTTPStatus, detail: str) -> tuple[str, ...]:
    """Return the words that replace what HAProxy answers of itself with this status."""
    return ("http-error", *_reply(status, detail))


def _reply(status: HTTPStatus, detail: str, *headers: str) -> tuple[str, ...]:
    problem = {
        "type": "about:blank",
        "title": _TITLES.get(status, status.phrase),
        "status": status.value,
        "detail": detail,
    }
    pairs = [word for pair in _pairs(_headers(status, headers)) for word in ("hdr", *pair)]
    body = ("content-type", "application/problem+json", "string", json.dumps(problem))
    return ("status", str(status.value), *body, *pairs)


def _headers(status: HTTPStatus, headers: tuple[str, ...]) -> tuple[str, ...]:
    # A cache in front must not keep what is true of this moment only.
    always = ("Cache-Control", "no-store")
    unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
    return (*always, *headers, *(("Retry-After", str(RETRY_AFTER_SECONDS)) if unavailable else ()))


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


JSON_ERRORS: tuple[Line, ...] = tuple(line(*error(status, detail)) for status, detail in _DETAILS.items())
"""What HAProxy answers of itself, in the services' own shape instead of its HTML.

400 and 408 are missing: HAProxy 2.6 gives them before a request exists, in HTML whatever is configured.
"""
