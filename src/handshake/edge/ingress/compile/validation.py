"""Requests that no honest client sends: refused before any rule is evaluated.

HAProxy itself refuses most malformed requests, and rewrites all others. These lines refuse what it would accept
although a program behind it could read it differently. NUL bytes in headers are left to the cache, which
refuses them too: checking them here would cost a tenth of the ingress's time.
"""

from __future__ import annotations

from handshake.syntax.haproxy import Line, line

# RFC 3986, 6.2.2.2: letters, digits, `-._~` are never encoded in the canonical form. Together with the refusal of
# dot segments, doubled slashes and encoded slashes, every path has one spelling, so no rule on a path is walked around.
SECOND_SPELLINGS = (
    "//",
    r"\\",
    r"/\.\.?(/|;|$)",
    "%(2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae]|00)",
    "%(?![0-9a-f][0-9a-f])",
)
_ONE_SPELLING = f"^(?!.*(?:{'|'.join(SECOND_SPELLINGS)}))/"
"""One pattern instead of two: HAProxy caches the results of a pattern."""
HOST = r"^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?$"
METHOD = "^[A-Z-]+$"
OTHER_OPTION = "^(?!(close|keep-alive|upgrade|te|http2-settings)?$)"
"""RFC 9110, 7.6.1: headers named in `Connection` are removed on the way; they must not be ones that we rely on."""


def refuse_malformed() -> tuple[Line, ...]:
    """Return the lines that refuse requests of doubtful form, each under a name that the log shows."""
    return (
        _note("strict-path", f"unless {{ path -m reg -i -- {_ONE_SPELLING} }}"),
        _note("strict-connection", f"if {{ req.hdr(connection) -m reg -i -- {OTHER_OPTION} }}"),
        _note("strict-length", "if { req.ver 1.0 } { req.fhdr_cnt(transfer-encoding) gt 0 }"),
        _note("strict-version", "unless { req.ver 1.0 1.1 } || { fc_http_major 2 }"),
        _note("strict-host", f"unless {{ req.fhdr(host) -m reg -i -- {HOST} }}"),
        _note("strict-host", "unless { req.fhdr_cnt(host) eq 1 }"),
        _note("strict-method", "if { method CONNECT TRACE }"),
        _note("strict-form", f"unless {{ method GET HEAD POST }} || {{ method -m reg -- {METHOD} }}"),
        line(
            *[
                "http-request",
                "deny",
                "deny_status",
                "405",
                "if",
                "{",
                "var(txn.rule)",
                "-m",
                "str",
                "strict-method",
                "}",
            ]
        ),
        line(*["http-request", "deny", "deny_status", "400", "if", "{", "var(txn.rule)", "-m", "found", "}"]),
    )


def _note(name: str, condition: str) -> Line:
    """Keep why a request will be refused; no pattern above holds a blank."""
    return line("http-request", "set-var(txn.rule)", f"str({name})", *condition.split())
