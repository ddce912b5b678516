"""The leader's cycle: keep the lock, settle or revert sites and policies, advance every fleet one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from handshake.campaign.settings import CampaignSettings
from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import Delete, HeldLock
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import ASSIGNMENTS, assignment_key, instance_key
from handshake.core.clock import Clock
from handshake.core.outcome import Outcome
from handshake.core.subject import Subject
from handshake.fleet.autoscaler import Scaler
from handshake.fleet.bundle_store import BundleRunner
from handshake.fleet.nodes import read_nodes
from handshake.fleet.rollouts.cycle import Fleets
from handshake.fleet.rollouts.steps import LEADER_NAME
from handshake.leader.leadership import Leadership
from handshake.pointers.acks import read_acks
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers
from handshake.pointers.settling import Arrival, Awaited, Refused, Settled, describe_arrival, judge_arrivals


class Leader:
    """The work that one process at a time does for the whole campaign."""

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
        """Do what can be done now; the outcome says what changed, or what it waits for."""
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
        told += self._scaler.cycle(campaign.services, nodes, fence, now)
        told += self._fleets.cycle(
            campaign.services, pointers, nodes, calendar=campaign.freeze.calendar(), fence=fence, now=now
        )
        return _summarise(told)

    def give_up(self) -> None:
        """Let another process lead at once."""
        self._leadership.give_up()

    def _conclude(self, arrival: Arrival, fence: HeldLock) -> Outcome:
        sentence = describe_arrival(arrival)
        match arrival:
            case Settled(pointer=pointer):
                self._pointers.settle(pointer, also=[fence])
                return Outcome(sentence=sentence, changed=True)
            case Refused(pointer=pointer, why=why):
                return Outcome(sentence=sentence, changed=self._go_back(pointer, why, fence))
            case Awaited():
                return Outcome(sentence=sentence, changed=False)

    def _go_back(self, pointer: Pointer, why: str, fence: HeldLock) -> bool:
        """Revert a refused pointer; a first release cannot be reverted and stays refused."""
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


# Removed nodes: their instances are deleted from the catalogue, so that the engine replaces them elsewhere.

_AT_ONCE = 30
"""Instances per transaction of 64 operations: two keys each, with room for fence and journal."""


def clear_node(catalog: Catalog, node: str, *, fence: HeldLock, now: float) -> Outcome:
    """Delete a removed node's assignments and reports; the routers drop its members first."""
    prefix = f"{ASSIGNMENTS}{node}/"
    instances = [entry.key.removeprefix(prefix) for entry in catalog.read(prefix).entries]
    if not instances:
        return Outcome(sentence=f"{node} is removed", changed=False)
    for instance in instances:
        catalog.deregister(instance)
    sentence = f"deleted {', '.join(instances)} of the removed node {node}"
    for batch in _batches(instances):
        assigned = (Delete(key=assignment_key(node, instance)) for instance in batch)
        reported = (Delete(key=instance_key(node, instance)) for instance in batch)
        catalog.transact([fence, *assigned, *reported, journal_write(LEADER_NAME, sentence, now)])
    return Outcome(sentence=sentence, changed=True)


def _batches(instances: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(instances), _AT_ONCE):
        yield instances[first : first + _AT_ONCE]
