"""The access log: one JSON object a request, on standard output."""

from __future__ import annotations

from handshake.syntax.haproxy import Line, line

_FIELDS = (
    ("time", "%Ts.%ms"),
    ("client", '"%[src]"'),
    ("country", '"%[var(txn.country)]"'),
    ("method", '"%[var(txn.method)]"'),
    ("host", '"%[var(txn.shown_host)]"'),
    ("path", '"%[var(txn.path)]"'),
    ("query", '"%[var(txn.query)]"'),
    ("user_agent", '"%[var(txn.agent)]"'),
    ("status", "%ST"),
    ("bytes", "%B"),
    ("latency_ms", "%Ta"),
    ("rule", '"%[var(txn.rule)]"'),
    ("cache", '"%[var(txn.cache)]"'),
    ("arm", '"%[var(txn.arm)]"'),
    ("request_id", '"%ID"'),
)

LOG_FORMAT = "{" + ",".join(f'"{name}":{value}' for name, value in _FIELDS) + "}"


def remember_request() -> tuple[Line, ...]:
    """Return the lines that keep what the log shows, escaped, for when the request itself is gone."""
    return (
        line("http-request", "set-var(txn.method)", "method,json(utf8s)"),
        line("http-request", "set-var(txn.shown_host)", "req.fhdr(host,1),json(utf8s)"),
        line("http-request", "set-var(txn.path)", "path,json(utf8s)"),
        line("http-request", "set-var(txn.query)", "query,json(utf8s)"),
        line("http-request", "set-var(txn.agent)", "req.fhdr(user-agent,1),json(utf8s)"),
    )


def remember_answer() -> tuple[Line, ...]:
    """Return the lines that take the cache's word about a request off the answer and keep it for the log."""
    return (
        line("http-response", "set-var(txn.cache)", "res.hdr(x-hs-cache)"),
        line("http-response", "set-var(txn.rule)", "res.hdr(x-hs-rule)"),
        line("http-response", "set-var(txn.arm)", "res.hdr(x-hs-arm)"),
        line("http-response", "del-header", "X-HS-Arm"),
        line("http-response", "del-header", "X-HS-Cache"),
        line("http-response", "del-header", "X-HS-Rule"),
    )
