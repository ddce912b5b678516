"""Verdicts on an instance from probes, its process and the pointers, and how often it is probed."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.fleet.instance import Evidence, Verdict, Verdicts, VerdictState, judge

_OK = 200


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Failure thresholds."""

    ready_failures: int = 2
    """Consecutive failed probes after which an instance that was ready for a while is not ready."""
    steady_seconds: float = 10.0
    """How long that while is. Before, one failed probe is enough: an instance that fails half of the time never soaks."""
    silent_seconds: float = 30.0
    """How long an instance that has answered before may be silent and still count as alive."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One observation of an instance."""

    at: float
    exited: str = ""
    """How the process ended (`exit status 1`, `signal 9`); empty while it runs."""
    plain: Evidence
    """The answer to `/health`."""
    templates: Evidence | None = None
    """The answer to `/health?templateRelease=`; None if the service renders no templates."""
    is_target: VerdictState
    """Whether its generation is what the pointers ask for; unknown if they could not be read."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is remembered of an instance between observations."""

    verdicts: Verdicts = field(default_factory=Verdicts)
    failures: int = 0
    """Consecutive failed plain probes."""
    silent_since: float | None = None
    """When the current silence started; None while it answers."""


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
"""An instance is probed in every cycle for this long: the time in which a rollout judges it."""
_PAUSE_SECONDS = 1.0
"""The probe interval of an instance that has been well for longer. Its process is still checked in every cycle."""


def may_pause(watched: Watched, now: float) -> bool:
    """Return whether an instance need not be asked at a moment.

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
