"""Autoscaling: the number of instances that a service should have, from metrics. Scales out fast, in slowly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

AUTOSCALER = "autoscaler"
FRESH_SECONDS = 15.0
"""Older metrics are ignored."""
_OUT_SHARE = 0.1
"""After a step out, the next one waits for this share of the cool-down, until new instances carry load."""
_SLACK = 0.9
"""A smaller fleet must have a tenth to spare, to avoid oscillation around the target."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The target load of one instance; 0 if not used."""

    requests_per_second: float = 0.0
    cpu_share: float = 0.0
    """Of one processor."""
    cooldown_seconds: float = 300.0
    """How long a smaller fleet must have been enough before the fleet shrinks."""

    @property
    def is_on(self) -> bool:
        """Whether the fleet follows its load at all."""
        return bool(self.requests_per_second or self.cpu_share)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One node's metrics of one service."""

    service: str
    requests_per_second: float
    """Through this node's gateway, to members on any node."""
    cpu: float
    """Processors used by this node's instances of the service together."""


@dataclass(frozen=True, kw_only=True)
class NodeMeasures:
    """One node's metrics."""

    node: str
    at: float
    """UTC, seconds since the epoch."""
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServiceLoad:
    """A service's load over all nodes."""

    requests_per_second: float
    cpu: float
    is_whole: bool
    """Whether every answering node has reported; otherwise the load may be higher."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The record under `scale/<service>`."""

    service: str
    wanted: int
    owner: str = AUTOSCALER
    """The autoscaler, or the person who set the number."""
    reason: str = ""
    moved_at: float = 0.0
    """When the number was last changed, UTC, seconds since the epoch."""
    until: float | None = None
    """When an operator's number ends; None: for good."""
    low_since: float | None = None
    """Since when fewer would have been enough; None while they would not."""
    low_peak: int = 0
    """The highest number needed since then."""

    def is_held(self, now: float) -> bool:
        """Whether a person's number holds."""
        return self.owner != AUTOSCALER and (self.until is None or now < self.until)


def add_load(
    service: str, nodes: Iterable[NodeMeasures], answering: Iterable[str], now: float
) -> ServiceLoad | None:
    """Return a service's load from what nodes measured lately; None if none did."""
    fresh = [node for node in nodes if now - node.at <= FRESH_SECONDS]
    own = [measure for node in fresh for measure in node.measures if measure.service == service]
    if not own:
        return None
    return ServiceLoad(
        requests_per_second=sum(measure.requests_per_second for measure in own),
        cpu=sum(measure.cpu for measure in own),
        is_whole=set(answering) <= {node.node for node in fresh},
    )


def count_needed(targets: Targets, load: ServiceLoad, *, slack: float = 1.0) -> int:
    """Return how many instances carry a load, the larger answer of all targets; at least one."""
    parts = (
        (load.requests_per_second, targets.requests_per_second),
        (load.cpu, targets.cpu_share),
    )
    # Rounded before `ceil`: 0.3 / 0.1 is 2.9999999999999996, and 0.6 / 0.2 is 3.0000000000000004 elsewhere.
    return max(1, *(math.ceil(round(whole / (each * slack), 6)) for whole, each in parts if each))


def choose_scale(
    before: Scale, targets: Targets, load: ServiceLoad | None, *, floor: int, ceiling: int, now: float
) -> Scale:
    """Return the record after one look; the same record where nothing changes.

    A person's number holds until it ends. Nothing measured: nothing changes. More is needed: at once, then
    again after a tenth of the cool-down. Fewer are enough, with room to spare, for the whole cool-down: as many
    as were needed at the most meanwhile. Always between floor and ceiling.
    """
    if before.is_held(now):
        return before
    if before.owner != AUTOSCALER:
        # Without targets nobody would ever move the number again: it goes back to where it was by itself.
        wanted = before.wanted if targets.is_on else floor
        ended = replace(before, owner=AUTOSCALER, until=None)
        before = _move(ended, wanted, "the operator's number ended", before.moved_at)
    kept = _clamp(before.wanted, floor, ceiling)
    scale = before if kept == before.wanted else _move(before, kept, "floor or ceiling changed", now)
    if load is None or not targets.is_on:
        return scale
    needed = _clamp(count_needed(targets, load), floor, ceiling)
    if needed > scale.wanted:
        return _grow(scale, targets, load, needed, now)
    enough = _clamp(count_needed(targets, load, slack=_SLACK), floor, ceiling)
    return _shrink(scale, targets, load, enough, now)


def _grow(scale: Scale, targets: Targets, load: ServiceLoad, needed: int, now: float) -> Scale:
    busy = replace(scale, low_since=None, low_peak=0)
    is_too_soon = now - scale.moved_at < _OUT_SHARE * targets.cooldown_seconds
    return busy if is_too_soon else _move(busy, needed, _explain(load), now)


def _shrink(scale: Scale, targets: Targets, load: ServiceLoad, enough: int, now: float) -> Scale:
    """Wait out the cool-down from the first moment at which fewer were enough; half a picture never shrinks."""
    if enough >= scale.wanted or not load.is_whole:
        return replace(scale, low_since=None, low_peak=0)
    if scale.low_since is None:
        return replace(scale, low_since=now, low_peak=enough)
    low = replace(scale, low_peak=max(scale.low_peak, enough))
    if now - max(scale.low_since, scale.moved_at) < targets.cooldown_seconds:
        return low
    return _move(low, low.low_peak, _explain(load), now)


def _move(scale: Scale, wanted: int, reason: str, now: float) -> Scale:
    return replace(scale, wanted=wanted, reason=reason, moved_at=now, low_since=None, low_peak=0)


def _clamp(number: int, floor: int, ceiling: int) -> int:
    return min(max(number, floor), ceiling)


def _explain(load: ServiceLoad) -> str:
    return f"{load.requests_per_second:.1f} requests/s, {load.cpu:.2f} processors"
