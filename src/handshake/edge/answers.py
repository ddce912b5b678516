"""What a visitor is answered by a rule, as far as that can be said without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from handshake.edge.actions import Decoy, Redirect, Respond
from handshake.edge.adjust import HeaderChanges, Headers
from handshake.edge.challenge_page import PAGE
from handshake.edge.decoy_text import show_text
from handshake.edge.limit import Exceeded, Limit
from handshake.edge.phase import Phase
from handshake.edge.request import Request
from handshake.edge.simulate import Verdict


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; those that HTTP itself asks for are not among them."""
    body: str = ""


def compose_answers(verdict: Verdict) -> tuple[Answer, ...]:
    """Return the answers that the visitor may get; none where no rule answers, and where the connection just ends."""
    ending = verdict.ending
    match ending.action if ending else None:
        case Respond() as respond:
            answers: tuple[Answer, ...] = (_respond(respond, ending.phase if ending else Phase.ADMIT),)
        case Redirect() as redirect:
            answers = (_redirect(redirect, verdict.request),)
        case Decoy(answers=several):
            answers = tuple(
                Answer(
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


def _respond(respond: Respond, phase: Phase) -> Answer:
    # The door gives no type to an answer without a body.
    typed = {"content-type": respond.content_type} if respond.body or phase is Phase.SERVE else {}
    own = {name.lower(): value for name, value in respond.headers.items()}
    return Answer(status=respond.status, headers=typed | own, body=respond.body)


def _redirect(redirect: Redirect, request: Request) -> Answer:
    return Answer(status=redirect.status.value, headers={"location": find_target(redirect, request)})


def _refuse(limit: Limit) -> Answer:
    if limit.then is Exceeded.CHALLENGE:
        headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
        return Answer(status=limit.status, headers=headers, body=PAGE)
    headers = {
        "content-type": limit.content_type,
        "retry-after": str(limit.seconds),
        "cache-control": "no-store",
    }
    return Answer(status=limit.status, headers=headers, body=limit.body or "\n")


def _typed(content_type: str, body: str) -> dict[str, str]:
    return {"content-type": content_type} if body else {}


def _finish(answer: Answer, verdict: Verdict) -> Answer:
    """Change the answer as the rules with `headers` want it: the cache's first, then the door's, through which it leaves."""
    for phase in (Phase.SERVE, Phase.ADMIT):
        for rule in verdict.matched:
            if rule.phase is phase and isinstance(rule.action, Headers):
                answer = replace(answer, headers=_change(answer.headers, rule.action.response))
    return answer


def _change(headers: Mapping[str, str], changes: HeaderChanges) -> dict[str, str]:
    removed = {name.lower() for name in changes.remove}
    kept = {name: value for name, value in headers.items() if name not in removed}
    return kept | {name.lower(): value for name, value in changes.set.items()}
