"""A rule's response, its action as a sentence, and how long the cache stores it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from handshake.edge.policy.actions import (
    Action,
    CacheAction,
    Decoy,
    Exceeded,
    HeaderChanges,
    Headers,
    Limit,
    Pass,
    Redirect,
    Respond,
    RouteAction,
    Split,
)
from handshake.edge.policy.challenge_page import PAGE
from handshake.edge.policy.decoy_templates import show_text
from handshake.edge.policy.policy import Rule
from handshake.edge.policy.request import Request
from handshake.edge.policy.variables import Phase
from handshake.edge.simulate.evaluate import read_value
from handshake.edge.simulate.verdict import RequestVerdict


@dataclass(frozen=True, kw_only=True)
class SyntheticResponse:
    """One answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; without those that HTTP itself requires."""
    body: str = ""


def compose_answers(verdict: RequestVerdict) -> tuple[SyntheticResponse, ...]:
    """Return the answers that the visitor may get; none where no rule answers, and where the connection just ends."""
    ending = verdict.ending
    match ending.action if ending else None:
        case Respond() as respond:
            answers: tuple[SyntheticResponse, ...] = (
                _respond(respond, ending.phase if ending else Phase.ADMIT),
            )
        case Redirect() as redirect:
            answers = (_redirect(redirect, verdict.request),)
        case Decoy(answers=several):
            answers = tuple(
                SyntheticResponse(
                    status=its.status,
                    headers=_typed(its.content_type, its.body)
                    | {name.lower(): show_text(text) for name, text in its.headers.items()},
                    body=show_text(its.body),
                )
                for its in several
            )
        case Limit(then=then) as limit if then is not Exceeded.DROP:
            answers = (_refuse(limit),)
        case _:
            answers = ()
    return tuple(_finish(answer, verdict) for answer in answers)


def find_target(redirect: Redirect, request: Request) -> str:
    """Return where a redirect sends a request."""
    target = redirect.to
    if redirect.keep_path:
        target = target.rstrip("/") + request.path
    if redirect.keep_query and request.query:
        target += ("&" if "?" in redirect.to else "?") + request.query
    return target


def _respond(respond: Respond, phase: Phase) -> SyntheticResponse:
    # The ingress gives no type to an answer without a body.
    typed = {"content-type": respond.content_type} if respond.body or phase is Phase.SERVE else {}
    own = {name.lower(): value for name, value in respond.headers.items()}
    return SyntheticResponse(status=respond.status, headers=typed | own, body=respond.body)


def _redirect(redirect: Redirect, request: Request) -> SyntheticResponse:
    return SyntheticResponse(
        status=redirect.status.value, headers={"location": find_target(redirect, request)}
    )


def _refuse(limit: Limit) -> SyntheticResponse:
    if limit.then is Exceeded.CHALLENGE:
        headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
        return SyntheticResponse(status=limit.status, headers=headers, body=PAGE)
    headers = {
        "content-type": limit.content_type,
        "retry-after": str(limit.seconds),
        "cache-control": "no-store",
    }
    return SyntheticResponse(status=limit.status, headers=headers, body=limit.body or "\n")


def _typed(content_type: str, body: str) -> dict[str, str]:
    return {"content-type": content_type} if body else {}


def _finish(answer: SyntheticResponse, verdict: RequestVerdict) -> SyntheticResponse:
    """Change the answer as the rules with `headers` want it: the cache's first, then the ingress's, through which it leaves."""
    for phase in (Phase.SERVE, Phase.ADMIT):
        for rule in verdict.matched:
            if rule.phase is phase and isinstance(rule.action, Headers):
                answer = replace(answer, headers=_change(answer.headers, rule.action.response))
    return answer


def _change(headers: Mapping[str, str], changes: HeaderChanges) -> dict[str, str]:
    removed = {name.lower() for name in changes.remove}
    kept = {name: value for name, value in headers.items() if name not in removed}
    return kept | {name.lower(): value for name, value in changes.set.items()}


# What a rule does with a request that it matches, as a sentence.

_REFUSALS = {
    Exceeded.DENY: "answered {status}",
    Exceeded.TARPIT: "answered {status}, late",
    Exceeded.DROP: "disconnected without an answer",
    Exceeded.CHALLENGE: "given a puzzle, with {status}",
}


def tell_deed(rule: Rule, request: Request, *, ends: bool) -> str:
    """Return what the rule does with a request as it comes to the rule; `ends`: whether it answers."""
    match rule.action:
        case Respond(status=status, content_type=content_type, body=body):
            return f"answers {status}" + (f", {content_type}, {len(body.encode())} bytes" if body else "")
        case Decoy(answers=answers):
            return f"sends a decoy: one of {', '.join(str(answer.status) for answer in answers)}"
        case Redirect() as redirect:
            return f"redirects to {find_target(redirect, request)} ({redirect.status.value})"
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
        case CacheAction() as cache:
            return f"caching: {', '.join(_tell_cache(cache)) or 'as the origin specifies'}"
        case Pass():
            return "always asks the origin"
        case RouteAction(to=to, prefix=prefix):
            return f"rewrites the path to {to}" + (f" instead of {prefix}" if prefix else "")
        case Split(arms=arms):
            if arm := request.arms.get(name):
                return f"arm {arm}, by the visitor's cookie"
            dealt = ", ".join(f"{arm} {weight}" for arm, weight in arms.items())
            return f"assigns an arm: {dealt}; the first is assumed below"
        case _:
            raise AssertionError("every other action ends, or was told already")


def _tell_headers(message: str, changes: HeaderChanges) -> Iterator[str]:
    if changes.remove:
        yield f"removes {', '.join(changes.remove)} from the {message}"
    if changes.set:
        yield f"sets {', '.join(changes.set)} on the {message}"


def _tell_cache(cache: CacheAction) -> Iterator[str]:
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
        yield f"varies by {', '.join(cache.key)}"


# How long the cache keeps what the gateway answers to a request, as far as the request and the rules decide it.

_SAFE = {"GET", "HEAD"}


@dataclass(frozen=True, kw_only=True)
class CacheDecision:
    """The cache's decision on an answer."""

    is_cached: bool
    """Whether the answer may be cached at all; what the origin marks private or no-store is not."""
    why: str
    """One sentence."""
    seconds: int | None = None
    """How long it is fresh; None: as the origin specifies."""
    grace_seconds: int | None = None
    stale_if_error_seconds: int | None = None
    tags: tuple[str, ...] = ()
    key: Mapping[str, str] = field(default_factory=dict)
    """The variables of its cache key, besides host, path and query."""


def judge_keeping(verdict: RequestVerdict) -> CacheDecision:
    """Return what is kept of the answer to a request that goes on to the gateway."""
    if passing := next((rule for rule in verdict.matched if isinstance(rule.action, Pass)), None):
        return CacheDecision(is_cached=False, why=f"{passing.name} always asks the origin")
    request, wish = verdict.request, verdict.caching
    if request.method not in _SAFE:
        return CacheDecision(is_cached=False, why=f"the answer to a {request.method} is never cached")
    if wish.ttl_seconds is None:
        for header in ("authorization", "cookie"):
            if header in request.headers:
                return CacheDecision(is_cached=False, why=f"the request carries a {header.title()} header")
    says = f"for {wish.ttl_seconds} s, unless the origin specifies no-store or private"
    return CacheDecision(
        is_cached=True,
        why="cached as long as the origin specifies" if wish.ttl_seconds is None else f"cached {says}",
        seconds=wish.ttl_seconds,
        grace_seconds=wish.grace_seconds,
        stale_if_error_seconds=wish.stale_if_error_seconds,
        tags=wish.tags,
        key=_read_key(verdict),
    )


def _read_key(verdict: RequestVerdict) -> dict[str, str]:
    return {
        reads.name: str(read_value(reads, verdict.request))
        for rule in verdict.matched
        if isinstance(rule.action, CacheAction)
        for reads in rule.reads
    }
