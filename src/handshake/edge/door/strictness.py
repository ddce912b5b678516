"""What no honest client sends: refused before any rule is asked."""

from __future__ import annotations

from handshake.syntax.haproxy import Line, line

# RFC 3986, 6.2.2.2: letters, digits, `-._~` are never encoded in the canonical form. Together with the refusal of
# dot segments, doubled slashes and encoded slashes, every path has one spelling, so no rule on a path is walked around.
_NEEDLESSLY_ENCODED = "%(2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae]|00)"
_DOT_SEGMENT = r"/\.\.?(/|;|$)"


def refuse_malformed() -> tuple[Line, ...]:
    """Return the lines that refuse requests of doubtful form, each under a name that the log shows."""
    return (
        *_refuse("strict-host", "400", ("req.fhdr_cnt(host)", "eq", "1"), unless=True),
        *_refuse("strict-method", "405", ("method", "-m", "str", "--", "CONNECT", "TRACE")),
        *_refuse("strict-nul", "400", ("req.hdrs", "-m", "reg", "--", r"\x00")),
        *_refuse("strict-path", "400", ("path", "-m", "sub", "--", "//", "\\")),
        *_refuse("strict-path", "400", ("path", "-m", "reg", "-i", "--", _NEEDLESSLY_ENCODED, _DOT_SEGMENT)),
        *_refuse("strict-path", "400", ("path", "-m", "beg", "--", "/"), unless=True),
    )


def _refuse(name: str, status: str, test: tuple[str, ...], *, unless: bool = False) -> tuple[Line, ...]:
    condition = ("{", *test, "}")
    return (
        line("http-request", "set-var(txn.rule)", f"str({name})", "unless" if unless else "if", *condition),
        line("http-request", "deny", "deny_status", status, "if", "{", "var(txn.rule)", "-m", "found", "}"),
    )
