"""How often an instance is asked how it is: at every cycle, but for one that has been well for a while."""

from __future__ import annotations

from handshake.fleet.verdicts import Watched

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
