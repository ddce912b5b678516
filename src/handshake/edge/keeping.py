"""How long the cache keeps what the gateway answers to a request, as far as the request and the rules decide it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handshake.edge.adjust import Cache, Pass
from handshake.edge.evaluate import read_value
from handshake.edge.simulate import Verdict

_SAFE = {"GET", "HEAD"}


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """What is kept of an answer."""

    is_cached: bool
    """Whether the answer may be kept at all; what the origin marks private or no-store is not."""
    why: str
    """One sentence."""
    seconds: int | None = None
    """How long it is fresh; None: as the origin says."""
    grace_seconds: int | None = None
    stale_if_error_seconds: int | None = None
    tags: tuple[str, ...] = ()
    key: Mapping[str, str] = field(default_factory=dict)
    """What tells it apart from other answers, beside host, path and query."""


def judge_keeping(verdict: Verdict) -> Keeping:
    """Return what is kept of the answer to a request that goes on to the gateway."""
    if passing := next((rule for rule in verdict.matched if isinstance(rule.action, Pass)), None):
        return Keeping(is_cached=False, why=f"{passing.name} asks the origin each time")
    request, wish = verdict.request, verdict.caching
    if request.method not in _SAFE:
        return Keeping(is_cached=False, why=f"the answer to a {request.method} is never kept")
    if wish.ttl_seconds is None:
        for header in ("authorization", "cookie"):
            if header in request.headers:
                return Keeping(is_cached=False, why=f"the request carries a {header.title()} header")
    says = f"for {wish.ttl_seconds} s, unless the origin says no-store or private"
    return Keeping(
        is_cached=True,
        why="kept as long as the origin says" if wish.ttl_seconds is None else f"kept {says}",
        seconds=wish.ttl_seconds,
        grace_seconds=wish.grace_seconds,
        stale_if_error_seconds=wish.stale_if_error_seconds,
        tags=wish.tags,
        key=_read_key(verdict),
    )


def _read_key(verdict: Verdict) -> dict[str, str]:
    return {
        reads.name: str(read_value(reads, verdict.request))
        for rule in verdict.matched
        if isinstance(rule.action, Cache)
        for reads in rule.reads
    }
