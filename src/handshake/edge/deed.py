"""What a rule does with a request that it matches, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.edge.actions import Action, Decoy, Redirect, Respond
from handshake.edge.adjust import Cache, HeaderChanges, Headers, Pass, Route, Split
from handshake.edge.answers import find_target
from handshake.edge.limit import Exceeded, Limit
from handshake.edge.policy import Rule
from handshake.edge.request import Request

_REFUSALS = {
    Exceeded.DENY: "answered {status}",
    Exceeded.TARPIT: "answered {status}, late",
    Exceeded.DROP: "cut off without an answer",
    Exceeded.CHALLENGE: "given a puzzle, with {status}",
}


def tell_deed(rule: Rule, request: Request, *, ends: bool) -> str:
    """Return what the rule does with a request as it comes to the rule; `ends`: whether it answers."""
    match rule.action:
        case Respond(status=status, content_type=content_type, body=body):
            return f"answers {status}" + (f", {content_type}, {len(body.encode())} bytes" if body else "")
        case Decoy(answers=answers):
            return f"deceives: one of {', '.join(str(answer.status) for answer in answers)}"
        case Redirect() as redirect:
            return f"sends to {find_target(redirect, request)} ({redirect.status.value})"
        case Limit() as limit:
            return _tell_limit(limit, is_exceeded=ends)
        case action:
            return _tell_change(rule.name, action, request)


def _tell_limit(limit: Limit, *, is_exceeded: bool) -> str:
    per = f"{limit.requests} in {limit.seconds} s per {limit.per}"
    refusal = _REFUSALS[limit.then].format(status=limit.status)
    if is_exceeded:
        return f"too many ({per}): {refusal}"
    counted = f" answers with {', '.join(map(str, limit.failures))}" if limit.failures else ""
    return f"counts{counted}: more than {per} are {refusal}"


def _tell_change(name: str, action: Action, request: Request) -> str:
    match action:
        case Headers(request=asked, response=answered):
            parts = [*_tell_headers("request", asked), *_tell_headers("answer", answered)]
            return "; ".join(parts) or "changes no header"
        case Cache() as cache:
            return f"caching: {', '.join(_tell_cache(cache)) or 'as the origin says'}"
        case Pass():
            return "asks the origin each time"
        case Route(to=to, prefix=prefix):
            return f"serves it from {to}" + (f" instead of {prefix}" if prefix else "")
        case Split(arms=arms):
            if arm := request.arms.get(name):
                return f"arm {arm}, by the visitor's cookie"
            dealt = ", ".join(f"{arm} {weight}" for arm, weight in arms.items())
            return f"deals an arm: {dealt}; the first is assumed below"
        case _:
            raise AssertionError("every other action ends, or was told already")


def _tell_headers(message: str, changes: HeaderChanges) -> Iterator[str]:
    if changes.remove:
        yield f"takes {', '.join(changes.remove)} off the {message}"
    if changes.set:
        yield f"sets {', '.join(changes.set)} on the {message}"


def _tell_cache(cache: Cache) -> Iterator[str]:
    for seconds, what in (
        (cache.ttl_seconds, "fresh"),
        (cache.grace_seconds, "then stale while it is fetched"),
        (cache.stale_if_error_seconds, "or while the origin is down"),
    ):
        if seconds is not None:
            yield f"{what} {seconds} s"
    if cache.tags:
        yield f"tags {' '.join(cache.tags)}"
    if cache.key:
        yield f"apart by {', '.join(cache.key)}"
