"""Answers that need many lines: backends of their own, and headers beyond the first line."""

from __future__ import annotations

from handshake.edge.policy.actions import Respond
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.variables import Phase
from handshake.syntax.haproxy import Line, line

_CHOSEN = ("if", "{", "var(txn.backend)", "-m", "found", "}")


def answer_from(backend: str, *condition: str, because: str = "") -> tuple[Line, ...]:
    """Return the lines that end the rules for a request, and leave the answer to a backend; it may be a log format."""
    return (
        line("http-request", "set-var-fmt(txn.backend)", backend, *condition, because=because),
        line("http-request", "allow", *_CHOSEN),
    )


def tell_rule(name: str) -> Line:
    """Return the first line of such a backend: it tells the log which rule answers."""
    return line("http-request", "set-var(txn.rule)", f"str({name})")


def use_own_answers() -> tuple[Line, ...]:
    """Return the line that sends a request to the backend that was chosen for it."""
    return (line("use_backend", "%[var(txn.backend)]", *_CHOSEN),)


# Answers with many headers: as many as the answer's own line has room for, then a line for each.

_OF_ONE_LINE = 15
"""HAProxy reads 64 words of a line: 14 say the rest of an answer, and each header takes three."""


def print_first_headers(respond: Respond) -> tuple[str, ...]:
    """Return the words of the headers that the answer's line has room for."""
    first = list(respond.headers.items())[:_OF_ONE_LINE]
    return tuple(word for name, value in first for word in ("hdr", name, print_plain(value)))


def add_other_headers(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines for the headers of the ingress's answers that no answer's line has room for."""
    return tuple(
        line("http-after-response", "set-header", name, print_plain(value), *_if_told(rule.name))
        for rule in policy.select_rules(Phase.ADMIT)
        if isinstance(rule.action, Respond)
        for name, value in list(rule.action.headers.items())[_OF_ONE_LINE:]
    )


def print_plain(text: str) -> str:
    """Return a text where a log format is expected, so that it means itself."""
    return text.replace("%", "%%")


def _if_told(rule: str) -> tuple[str, ...]:
    return ("if", "{", "var(txn.rule)", "-m", "str", rule, "}")
