"""Verdicts: what probes, process and pointers say about an instance, and how often it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.fleet.instance import Evidence, Verdict, Verdicts, VerdictState, judge

_OK = 200


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """How much failure it takes."""

    ready_failures: int = 2
    """Consecutive probes that fail before an instance that was ready for a while is not ready."""
    steady_seconds: float = 10.0
    """How long that while is. Until then one bad probe is enough: what fails half of the time never soaks."""
    silent_seconds: float = 30.0
    """How long an instance that has answered before may be silent and still pass as alive."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One look at an instance."""

    at: float
    exited: str = ""
    """How the process ended (`exit status 1`, `signal 9`); empty while it runs."""
    plain: Evidence
    """The answer to `/health`."""
    templates: Evidence | None = None
    """The answer to `/health?templateRelease=`; None where the service renders no templates."""
    is_target: VerdictState
    """Whether its generation equals what the pointers ask for; unknown where they could not be read."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is remembered of an instance from one sighting to the next."""

    verdicts: Verdicts = field(default_factory=Verdicts)
    failures: int = 0
    """Plain probes that failed in a row."""
    silent_since: float | None = None
    """When the present silence began; None while it answers."""


def watch(before: Watched, seen: Sighting, thresholds: Thresholds) -> Watched:
    """Return what is known after one more sighting.

    A finding without new evidence for another one stays as it was. An instance that has never answered is
    not known to be alive; how long that may last is for the engine to say.
    """
    failures = 0 if seen.plain.status == _OK else before.failures + 1
    silent_since = _find_silence(before, seen)
    return Watched(
        verdicts=Verdicts(
            alive=_judge_alive(before.verdicts.alive, seen, silent_since, thresholds),
            ready=_judge_ready(before.verdicts.ready, seen, failures, thresholds),
            fresh=_judge_fresh(before.verdicts.fresh, seen),
        ),
        failures=failures,
        silent_since=silent_since,
    )


def _find_silence(before: Watched, seen: Sighting) -> float | None:
    if seen.plain.status:
        return None
    return seen.at if before.silent_since is None else before.silent_since


def _judge_alive(
    before: Verdict, seen: Sighting, silent_since: float | None, thresholds: Thresholds
) -> Verdict:
    """Not alive is a process that ended, or one that answered once and is silent for too long."""
    if seen.exited:
        return judge(before, VerdictState.NO, _print_exit(seen))
    if silent_since is None:
        return judge(before, VerdictState.YES, seen.plain)
    is_too_long = seen.at - silent_since >= thresholds.silent_seconds
    finding = VerdictState.NO if before.is_yes and is_too_long else before.finding
    return judge(before, finding, seen.plain)


def _judge_ready(before: Verdict, seen: Sighting, failures: int, thresholds: Thresholds) -> Verdict:
    """One good probe makes it ready; once it was for a while, it takes several bad ones in a row to lose that."""
    if seen.exited:
        return judge(before, VerdictState.NO, _print_exit(seen))
    if not failures:
        return judge(before, VerdictState.YES, seen.plain)
    is_new = before.is_yes and seen.at - before.since < thresholds.steady_seconds
    is_too_often = is_new or failures >= thresholds.ready_failures
    return judge(before, VerdictState.NO if is_too_often else before.finding, seen.plain)


def _judge_fresh(before: Verdict, seen: Sighting) -> Verdict:
    """Fresh is equality with the pointers, confirmed by the instance itself where it renders templates."""
    asked = seen.templates or seen.plain
    if seen.exited or seen.is_target is VerdictState.UNKNOWN:
        return judge(before, before.finding, asked)
    if seen.is_target is VerdictState.NO or seen.templates is None:
        return judge(before, seen.is_target, asked)
    if not seen.templates.status:
        return judge(before, before.finding, asked)
    return judge(before, VerdictState.YES if seen.templates.status == _OK else VerdictState.NO, asked)


def _print_exit(seen: Sighting) -> Evidence:
    return Evidence(body=seen.exited, at=seen.at)


# How often an instance is asked how it is: at every cycle, but for one that has been well for a while.

_WELL_SECONDS = 10.0
"""So long it is asked at every cycle: the time in which a rollout judges a newcomer."""
_PAUSE_SECONDS = 1.0
"""So long one that has been well for longer is left alone. Its process is looked at in every cycle all the same."""


def may_pause(watched: Watched, now: float) -> bool:
    """Tell whether an instance need not be asked at a moment.

    That gateways stop sending to one that falls ill does not wait for this: their own checks decide.
    """
    verdicts = watched.verdicts
    is_well = (
        verdicts.alive.is_yes and verdicts.ready.is_yes and verdicts.fresh.is_yes and not watched.failures
    )
    return (
        is_well
        and now - verdicts.ready.since > _WELL_SECONDS
        and 0 <= now - verdicts.alive.evidence.at < _PAUSE_SECONDS
    )
