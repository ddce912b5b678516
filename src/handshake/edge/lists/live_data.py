"""The switches and lists of the campaign that is up, as conditions read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from handshake.core.clock import Clock
from handshake.edge.lists.entries import ListShape, shape_lists
from handshake.edge.lists.lists import Lists
from handshake.edge.lists.switches import Switches, is_switch_on
from handshake.edge.policy.declarations import ListKind
from handshake.edge.policy.networks import parse_network, print_network
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import Phase
from handshake.edge.simulate.evaluate import read_value


def begin_with(policy: EdgePolicy) -> LiveData:
    """Return the initial live data of a policy, before any change."""
    shapes = shape_lists(policy)
    on = frozenset(switch.name for switch in policy.switches if switch.is_on)
    return _put_together(on, shapes, {its.name: set(its.seeds) for its in shapes})


@dataclass(frozen=True, kw_only=True)
class LiveEdge:
    """Reads switches and lists as changed by operators."""

    switches: Switches
    lists: Lists
    clock: Clock

    def around(self, policy: EdgePolicy, request: Request) -> LiveData:
        """Return what concerns one request; of lists, only entries that may match. A list may have a million entries."""
        shapes = shape_lists(policy)
        entries = {its.name: self._held(its, _candidates(policy, its, request)) for its in shapes}
        return _put_together(self._on(policy), shapes, entries)

    def whole(self, policy: EdgePolicy) -> LiveData:
        """Return all switches and lists."""
        shapes = shape_lists(policy)
        entries = {
            its.name: {standing.word.entry for standing in self.lists.content(its.name)}
            | self._held(its, set(its.seeds))
            for its in shapes
        }
        return _put_together(self._on(policy), shapes, entries)

    def _on(self, policy: EdgePolicy) -> frozenset[str]:
        settings, now = self.switches.all(), self.clock.now()
        return frozenset(
            its.name
            for its in policy.switches
            if is_switch_on(settings.get(its.name), now, default=its.is_on)
        )

    def _held(self, shape: ListShape, candidates: set[str]) -> set[str]:
        """Return the candidates that are listed: by a current change, or by the policy and never changed."""
        now = self.clock.now()
        said = self.lists.find_all(shape.name, candidates) if candidates else {}
        listed = {entry for entry, its in said.items() if its.word.until > now}
        return listed | ((candidates & set(shape.seeds)) - said.keys())


def _candidates(policy: EdgePolicy, shape: ListShape, request: Request) -> set[str]:
    """Return every entry that could match the request."""
    if shape.kind is ListKind.TEXT:
        looks = (test for phase in Phase for test in policy.listings(phase) if test.name == shape.name)
        return {text for look in looks if (text := str(read_value(look.reads, request)))}
    network = ip_network(request.client)
    if shape.kind is ListKind.ADDRESS:
        return {print_network(network)}
    return {print_network(network.supernet(new_prefix=bits)) for bits in range(network.max_prefixlen + 1)}


def _put_together(on: frozenset[str], shapes: Iterable[ListShape], entries: dict[str, set[str]]) -> LiveData:
    return LiveData(
        switches_on=on,
        lists={
            its.name: tuple(map(parse_network, entries[its.name])) for its in _of_kind(shapes, is_text=False)
        },
        text_lists={its.name: frozenset(entries[its.name]) for its in _of_kind(shapes, is_text=True)},
    )


def _of_kind(shapes: Iterable[ListShape], *, is_text: bool) -> Iterator[ListShape]:
    return (its for its in shapes if (its.kind is ListKind.TEXT) is is_text)
