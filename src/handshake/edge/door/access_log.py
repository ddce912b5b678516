"""The access log: one JSON object a request, on standard output."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.syntax.haproxy import Line, line

_ASKED = (
    "%[method]",
    '"host":"%[req.fhdr(host,1),json(utf8s)]',
    '"path":"%[path,json(utf8s)]',
    '"query":"%[query,json(utf8s)]',
    '"user_agent":"%[req.fhdr(user-agent,1),json(utf8s)]',
)
"""What the request itself says. Text that a visitor chose is escaped; the rest HAProxy wrote itself."""
_OR_HYPHEN = "%{+M}o"
"""From here on, what is absent is a hyphen, as it is in a log's own format."""
_TOLD = f"{Hop.LOG}-"
"""How the names of headers begin in which the cache tells the door what only the log is for."""


def print_log_format(client: str) -> str:
    """Return the log's format; `client` is the format of the client's address."""
    fields = (
        '"time":%Ts.%ms',
        f'"client":"{client}"',
        '"country":"%[var(txn.country)]"',
        # Of what HAProxy could not read there is only this hyphen, and no host, path, query, user agent.
        '"method":"%[var(txn.asked)]"',
        '"status":%ST',
        '"bytes":%B',
        '"latency_ms":%Ta',
        '"rule":"%[var(txn.rule)]"',
        '"cache":"%[var(txn.cache)]"',
        '"arm":"%[var(txn.arm)]"',
        '"request_id":"%ID"',
    )
    return "{" + ",".join(fields) + "}"


def remember_request() -> Line:
    """Return the line that keeps what the log shows of a request, for when the request itself is gone.

    All in one variable: to keep and to read one costs more than what it holds.
    """
    return line("http-request", "set-var-fmt(txn.asked)", _OR_HYPHEN + '",'.join(_ASKED))


def remember_answer() -> tuple[Line, ...]:
    """Return the lines that take the cache's word about a request off the answer and keep it for the log."""
    return (
        line("http-response", "set-var(txn.cache)", f"res.hdr({Hop.LOG_CACHE})"),
        line("http-response", "set-var(txn.rule)", f"res.hdr({Hop.LOG_RULE})"),
        line("http-response", "set-var(txn.arm)", f"res.hdr({Hop.LOG_ARM})"),
        line("http-response", "del-header", _TOLD, "-m", "beg"),
    )
