"""The leader's cycle: keep the lock, settle or revert sites and policies, move every fleet one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handshake.catalog.catalog import Catalog
from handshake.control.acks import read_acks
from handshake.control.campaign import CampaignSettings
from handshake.control.leader.arrivals import (
    Arrival,
    Awaited,
    Refused,
    Settled,
    describe_arrival,
    judge_arrivals,
)
from handshake.control.leader.fleets import Fleets
from handshake.control.leader.leadership import Leadership
from handshake.control.leader.steps import LEADER_NAME
from handshake.control.pointers import Pointers
from handshake.core.clock import Clock
from handshake.core.outcome import Outcome
from handshake.core.pointer import Pointer
from handshake.core.release import Subject


class Leader:
    """What one process at a time does for the whole campaign."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        clock: Clock,
        leadership: Leadership,
        fleets: Fleets,
        pointers: Pointers,
        campaign_of: Callable[[Mapping[Subject, Pointer]], CampaignSettings | None],
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._leadership = leadership
        self._fleets = fleets
        self._pointers = pointers
        self._campaign_of = campaign_of

    def cycle(self) -> Outcome:
        """Do what can be done now; the outcome tells what changed, or else what is waited for."""
        if not self._leadership.keep():
            return Outcome(sentence="another process leads", changed=False)
        pointers = self._pointers.all()
        campaign = self._campaign_of(pointers)
        if campaign is None:
            return Outcome(sentence="no policy was applied yet", changed=False)
        arrivals = judge_arrivals(pointers.values(), read_acks(self._catalog), campaign.nodes)
        told = [self._conclude(arrival) for arrival in arrivals]
        fence = self._leadership.fence()
        told += self._fleets.cycle(campaign, pointers, fence, self._clock.now())
        return _summarise(told)

    def give_up(self) -> None:
        """Let another process lead at once."""
        self._leadership.give_up()

    def _conclude(self, arrival: Arrival) -> Outcome:
        sentence = describe_arrival(arrival)
        match arrival:
            case Settled(pointer=pointer):
                self._pointers.settle(pointer)
                return Outcome(sentence=sentence, changed=True)
            case Refused(pointer=pointer, why=why):
                return Outcome(sentence=sentence, changed=self._go_back(pointer, why))
            case Awaited():
                return Outcome(sentence=sentence, changed=False)

    def _go_back(self, pointer: Pointer, why: str) -> bool:
        """Revert a refused pointer; a first release has nowhere to go back to and stays refused."""
        if pointer.stable is None or pointer.stable == pointer.release:
            return False
        moved = self._pointers.move_back(pointer, to=pointer.stable, who=LEADER_NAME, why=why)
        return moved is not None


def _summarise(outcomes: list[Outcome]) -> Outcome:
    changes = [outcome.sentence for outcome in outcomes if outcome.changed]
    waits = [outcome.sentence for outcome in outcomes if not outcome.changed]
    return Outcome(
        sentence="; ".join(changes or waits) or "nothing to lead yet",
        changed=bool(changes),
        is_waiting=any(outcome.is_waiting for outcome in outcomes),
    )
