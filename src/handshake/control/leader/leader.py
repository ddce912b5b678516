"""The leader's cycle: keep the lock, settle or revert sites and policies, move every fleet one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handshake.catalog.catalog import Catalog
from handshake.catalog.entry import Held
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
from handshake.control.leader.bundles import BundleRunner
from handshake.control.leader.fleets import Fleets
from handshake.control.leader.leadership import Leadership
from handshake.control.leader.removals import clear_node
from handshake.control.leader.scaling import Scaler
from handshake.control.leader.steps import LEADER_NAME
from handshake.control.nodes import read_nodes
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
        scaler: Scaler,
        fleets: Fleets,
        pointers: Pointers,
        campaign_of: Callable[[Mapping[Subject, Pointer]], CampaignSettings | None],
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._leadership = leadership
        self._scaler = scaler
        self._fleets = fleets
        self._pointers = pointers
        self._bundles = BundleRunner(catalog, pointers)
        self._campaign_of = campaign_of

    def cycle(self) -> Outcome:
        """Do what can be done now; the outcome tells what changed, or else what is waited for."""
        if not self._leadership.keep():
            return Outcome(sentence="another process leads", changed=False)
        pointers = self._pointers.all()
        campaign = self._campaign_of(pointers)
        if campaign is None:
            return Outcome(sentence="no policy was applied yet", changed=False)
        nodes = read_nodes(self._catalog, campaign.nodes)
        arrivals = judge_arrivals(
            pointers.values(),
            read_acks(self._catalog),
            nodes.named,
            has_fastly=campaign.fastly is not None,
        )
        fence, now = self._leadership.fence(), self._clock.now()
        told = [self._conclude(arrival, fence) for arrival in arrivals]
        told += self._bundles.cycle(pointers, fence)
        told += [clear_node(self._catalog, node, fence=fence, now=now) for node in nodes.removed]
        told += self._scaler.cycle(campaign, nodes, fence, now)
        told += self._fleets.cycle(campaign, pointers, nodes, fence, now)
        return _summarise(told)

    def give_up(self) -> None:
        """Let another process lead at once."""
        self._leadership.give_up()

    def _conclude(self, arrival: Arrival, fence: Held) -> Outcome:
        sentence = describe_arrival(arrival)
        match arrival:
            case Settled(pointer=pointer):
                self._pointers.settle(pointer, also=[fence])
                return Outcome(sentence=sentence, changed=True)
            case Refused(pointer=pointer, why=why):
                return Outcome(sentence=sentence, changed=self._go_back(pointer, why, fence))
            case Awaited():
                return Outcome(sentence=sentence, changed=False)

    def _go_back(self, pointer: Pointer, why: str, fence: Held) -> bool:
        """Revert a refused pointer; a first release has nowhere to go back to and stays refused."""
        if pointer.stable is None or pointer.stable == pointer.release:
            return False
        moved = self._pointers.move_back(pointer, to=pointer.stable, who=LEADER_NAME, why=why, also=[fence])
        return moved is not None


def _summarise(outcomes: list[Outcome]) -> Outcome:
    changes = [outcome.sentence for outcome in outcomes if outcome.changed]
    waits = [outcome.sentence for outcome in outcomes if not outcome.changed]
    return Outcome(
        sentence="; ".join(changes or waits) or "nothing to lead yet",
        changed=bool(changes),
        is_waiting=any(outcome.is_waiting for outcome in outcomes),
    )
