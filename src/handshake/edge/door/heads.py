"""Answers with many headers: as many as the answer's own line has room for, then a line for each."""

from __future__ import annotations

from handshake.edge.actions import Respond
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy
from handshake.syntax.haproxy import Line, line

_OF_ONE_LINE = 15
"""HAProxy reads 64 words of a line: 14 say the rest of an answer, and each header takes three."""


def print_first_headers(respond: Respond) -> tuple[str, ...]:
    """Return the words of the headers that the answer's line has room for."""
    first = list(respond.headers.items())[:_OF_ONE_LINE]
    return tuple(word for name, value in first for word in ("hdr", name, print_plain(value)))


def add_other_headers(policy: Policy) -> tuple[Line, ...]:
    """Return the lines for the headers of the door's answers that no answer's line has room for."""
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
