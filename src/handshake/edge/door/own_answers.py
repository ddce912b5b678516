"""Answers that take many lines: each has a backend of its own, so that no other request passes over its lines."""

from __future__ import annotations

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
