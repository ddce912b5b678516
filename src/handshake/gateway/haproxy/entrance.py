"""The frontend: one Unix socket, the routes from the longest to the shortest, and nothing else."""

from __future__ import annotations

from http import HTTPStatus

from handshake.gateway.haproxy.access_log import ACCESS_LOG
from handshake.gateway.haproxy.answers import answer
from handshake.gateway.haproxy.headers import hide_inner_headers, refuse_forged_words
from handshake.gateway.policy import DESCRIPTION_PATH, GatewayPolicy, Retries, Route
from handshake.gateway.surroundings import Listener, Surroundings
from handshake.syntax.haproxy import Line, Section, line

_IDENTIFIED = ("{", "req.hdr(X-Request-Id)", "-m", "found", "}")
_ROUTED = ("{", "var(txn.route)", "-m", "found", "}")


def compile_entrance(policy: GatewayPolicy, surroundings: Surroundings) -> Section:
    """Return the frontend: find the route, apply its limits, hand over to its pool."""
    routes = sorted(policy.route, key=lambda route: (-len(route.path), route.path))
    return Section(
        words=("frontend", "gateway"),
        lines=(
            _bind_line(surroundings.listener),
            # Only here, not in `defaults`: the pools would mix their own plain sentences in.
            line("log", "global"),
            line("log-format", ACCESS_LOG),
            *_REMEMBER,
            hide_inner_headers(),
            refuse_forged_words(),
            _description_line(surroundings.description),
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


def _bind_line(listener: Listener) -> Line:
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
