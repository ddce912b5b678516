"""Whether a request meets a rule: decided once, read by every line that the rule becomes."""

from __future__ import annotations

from handshake.edge.policy import Rule
from handshake.syntax.haproxy import Line, line


def remember_met(rule: Rule, condition: tuple[str, ...]) -> Line:
    """Return the line that remembers that a request meets the rule."""
    return line(
        "http-request", f"set-var(txn.met_{rule.word})", "bool(true)", *condition, because=rule.because
    )


def if_met(rule: Rule, *more: str) -> tuple[str, ...]:
    """Return the words behind a line that holds for requests that meet the rule, and more than that."""
    return ("if", "{", f"var(txn.met_{rule.word})", "-m", "bool", "}", *more)


def if_over(rule: Rule, *more: str) -> tuple[str, ...]:
    """Return the words behind a line that holds for requests that are too many for the rule's limit."""
    return ("if", "{", f"var(txn.over_{rule.word})", "-m", "bool", "}", *more)
