"""Whether a request meets a rule: decided once, read by every line that the rule becomes."""

from __future__ import annotations

from handshake.edge.policy import Rule
from handshake.syntax.haproxy import Line, line

IF_DECIDED = ("if", "{", "var(txn.rule)", "-m", "found", "}")
"""A rule has a name in the log only where it ends the request, so nothing else gets past the line that asks this."""


def remember_met(rule: Rule, condition: tuple[str, ...]) -> Line:
    """Return the line that remembers that a request meets the rule."""
    return line(
        "http-request", f"set-var(txn.met_{rule.word})", "bool(true)", *condition, because=rule.because
    )


def decide(rule: Rule, condition: tuple[str, ...]) -> Line:
    """Return the line that tells the log which rule ends a request that meets it; the rule's answer comes next."""
    return line("http-request", "set-var(txn.rule)", f"str({rule.name})", *condition, because=rule.because)


def if_met(rule: Rule, *more: str) -> tuple[str, ...]:
    """Return the words behind a line that holds for requests that meet the rule, and more than that."""
    return ("if", "{", f"var(txn.met_{rule.word})", "-m", "bool", "}", *more)


def if_over(rule: Rule, *more: str) -> tuple[str, ...]:
    """Return the words behind a line that holds for requests that are too many for the rule's limit."""
    return ("if", "{", f"var(txn.over_{rule.word})", "-m", "bool", "}", *more)
