"""What a verdict comes to: two verdicts that come to the same are no change, whatever their rules are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handshake.edge.actions import Action, Decoy, Redirect, Respond
from handshake.edge.adjust import Cache, HeaderChanges, Headers, Pass, Route, Split
from handshake.edge.limit import Limit
from handshake.edge.policy import Rule
from handshake.edge.simulate import Verdict

_DEEDS: tuple[tuple[type, str], ...] = (
    (Headers, "headers"),
    (Cache, "cached"),
    (Pass, "passed"),
    (Route, "routed"),
    (Split, "split"),
    (Limit, "counted"),
)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """All that makes a difference to the visitor and to the origin."""

    ending: Action | None
    path: str
    request_headers: tuple[HeaderChanges, ...]
    """What rules change, whether or not it was so already: the log does not hold headers."""
    answer_headers: tuple[HeaderChanges, ...]
    caching: Cache
    key: tuple[str, ...]
    passes: bool
    named: tuple[tuple[str, Action], ...]
    """Limits and splits, whose names matter: a count and a cookie hang on them."""


def find_effect(verdict: Verdict) -> Effect:
    """Return what a verdict comes to."""
    named = [(rule.name, rule.action) for rule in verdict.matched if isinstance(rule.action, (Limit, Split))]
    return Effect(
        ending=verdict.ending.action if verdict.ending else None,
        path=verdict.request.path,
        request_headers=_drop_empty(
            rule.action.request for rule in verdict.matched if isinstance(rule.action, Headers)
        ),
        answer_headers=_drop_empty(verdict.answer_headers),
        caching=verdict.caching,
        key=tuple(
            reads.name for rule in verdict.matched if isinstance(rule.action, Cache) for reads in rule.reads
        ),
        passes=verdict.passes,
        named=tuple(sorted(named, key=lambda pair: pair[0])),
    )


def _drop_empty(changes: Iterable[HeaderChanges]) -> tuple[HeaderChanges, ...]:
    return tuple(each for each in changes if each != HeaderChanges())


def name_effect(verdict: Verdict) -> str:
    """Return a verdict in a few words, the same for all requests that meet the same rules."""
    if verdict.ending:
        return f"{_name_answer(verdict.ending)} by {verdict.ending.name}"
    deeds = [
        f"{word} by {rule.name}"
        for rule in verdict.matched
        for kind, word in _DEEDS
        if isinstance(rule.action, kind)
    ]
    return ", ".join(["goes on", *deeds])


def _name_answer(rule: Rule) -> str:
    match rule.action:
        case Respond(status=status):
            return str(status)
        case Redirect(status=code):
            return f"{code.value}"
        case Decoy():
            return "a decoy"
        case Limit(status=status, then=then):
            return f"{status} ({then})"
        case _:
            raise AssertionError("no other action ends")
