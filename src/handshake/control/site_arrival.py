"""Waiting for a preview or a split to arrive: every cache says that it shows what was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.control.acks import SITE_TRAFFIC, acks_of, concerned_places, read_acks
from handshake.core.ack import is_served
from handshake.core.clock import Clock

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class ShownArrival:
    """What the caches have said of a change."""

    has_arrived: bool
    seconds: float
    """From the accepted write to the last cache's ack."""
    serving: tuple[str, ...]
    """The places that show it."""
    awaited: tuple[str, ...]
    """The places that do not yet."""
    why: str
    """What they say, or what is waited for."""


class ShownArrivals:
    """Watches previews and splits. Needs nothing but the catalogue: it works with the control plane dead."""

    def __init__(self, catalog: Catalog, clock: Clock, nodes: tuple[str, ...]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._nodes = nodes

    def wait(self, revision: int, deadline_seconds: float, tell: Callable[[str], None]) -> ShownArrival:
        """Return once every cache shows a revision, or after so long; `tell` hears what is waited for."""
        begun, said = self._clock.monotonic(), ""
        while True:
            arrival = self._look(revision, self._clock.monotonic() - begun)
            if arrival.has_arrived or arrival.seconds >= deadline_seconds:
                return arrival
            if arrival.why != said:
                tell(arrival.why)
                said = arrival.why
            self._clock.sleep(_LOOK_SECONDS)

    def _look(self, revision: int, seconds: float) -> ShownArrival:
        acks = acks_of(SITE_TRAFFIC, read_acks(self._catalog))
        places = concerned_places(SITE_TRAFFIC, self._nodes)
        serving = tuple(str(place) for place in places if is_served(revision, acks, (place,)))
        awaited = tuple(str(place) for place in places if str(place) not in serving)
        refusals = {
            ack.place: ack.refusal.reason for ack in acks if ack.refusal and ack.refusal.revision >= revision
        }
        proofs = {ack.place: ack.proof for ack in acks}
        waits = (f"{place} does not show it: {refusals[place]}" for place in awaited if place in refusals)
        why = (
            "; ".join(waits) or f"waits for {', '.join(awaited)}"
            if awaited
            else "; ".join(f"{place}: {proofs[place]}" for place in serving)
        )
        return ShownArrival(
            has_arrived=not awaited, seconds=round(seconds, 3), serving=serving, awaited=awaited, why=why
        )
