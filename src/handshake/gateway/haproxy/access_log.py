"""The access log: one JSON object for each request, on standard output."""

from __future__ import annotations

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
