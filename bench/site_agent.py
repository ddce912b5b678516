"""The agent's part in a site's move, on a real edge and a real catalogue: watch, loop, reconciler; each step timed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.contract.embedded import run_embedded_catalog
from tests.live.site_nodes import NODE, SiteNode, StartedCache, build_reconciler, run_site_node, started_cache

from handshake.catalog.entries import Snapshot
from handshake.catalog.feed import prefix_feed
from handshake.catalog.keys import POINTERS
from handshake.catalog.loop import Loop
from handshake.core.clock import SystemClock
from handshake.core.digest import Digest
from handshake.core.outcome import Outcome
from handshake.drivers.consul.catalog import ConsulCatalog
from handshake.fleet.rollouts.observe import CatalogRolloutProgress
from handshake.pointers.arrival import ArrivalOutcome, Arrivals
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import decode_pointers
from handshake.site.traffic import SiteTraffic

Result = TypeVar("Result")

STEPS = (
    "written, and the watch wakes the agent",
    "what is wanted is decided",
    "the program is loaded",
    "documents are fetched ahead",
    "the label moves",
    "the ack is written and read",
)
_TICK_SECONDS = 2.0
_PATIENCE_SECONDS = 60.0


class TimedCache(StartedCache):
    """Notes down when each command to Varnish ended, by its name; the first question is the beginning."""

    def __init__(self, cache: StartedCache) -> None:
        super().__init__(cache._program, SystemClock())  # noqa: SLF001 -- the same Varnish
        self.moments: dict[str, float] = {}

    def active(self) -> str:
        """Note down when it was asked first."""
        self.moments.setdefault("asked", time.monotonic())
        return super().active()

    def prepare(self, name: str, text: str) -> None:
        """Note down when it was loaded."""
        self._note("loaded", lambda: super(TimedCache, self).prepare(name, text))

    def warm(self, requests: Sequence[Mapping[str, str]]) -> int:
        """Note down when enough was fetched."""
        return self._note("warmed", lambda: super(TimedCache, self).warm(requests))

    def flip(self, name: str) -> None:
        """Note down when the label had moved."""
        self._note("flipped", lambda: super(TimedCache, self).flip(name))

    def _note(self, name: str, act: Callable[[], Result]) -> Result:
        result = act()
        self.moments[name] = time.monotonic()
        return result


@dataclass(kw_only=True)
class SiteAgent:
    """A node whose pointers are followed."""

    node: SiteNode
    cache: TimedCache
    arrivals: Arrivals
    woken_at: float = 0.0

    def move(self, site: str, release: Digest, *, is_urgent: bool = False) -> tuple[float, ...]:
        """Move a pointer, wait for the ack, settle it; return the seconds of each step."""
        self.cache.moments.clear()
        self.woken_at = 0.0
        begun = time.monotonic()
        moved = self.node.move(site, release, is_urgent=is_urgent)
        self.wait_for(moved)
        seconds = self._steps(begun, time.monotonic())
        self.node.pointers.settle(moved)
        return seconds

    def wait_for(self, moved: Pointer) -> None:
        """Wait as the verb does."""
        arrival = self.arrivals.wait(moved, _PATIENCE_SECONDS, lambda _: None)
        if arrival.ending is not ArrivalOutcome.ARRIVED:
            raise AssertionError(f"{moved.subject}: {arrival.ending}: {arrival.why}")

    def _steps(self, begun: float, arrived: float) -> tuple[float, ...]:
        its = self.cache.moments
        ends = [self.woken_at, its["asked"], its["loaded"], its.get("warmed", its["loaded"]), its["flipped"]]
        return tuple(after - before for before, after in zip([begun, *ends], [*ends, arrived], strict=True))


@contextmanager
def run_site_agent(mounts: Mapping[str, str]) -> Iterator[SiteAgent]:
    """Run a catalogue, an edge and what follows the pointers until the block ends."""
    with tempfile.TemporaryDirectory() as folder, run_embedded_catalog(Path(folder)) as address:
        catalog = ConsulCatalog(host=address.host, port=address.port, credential=address.credential)
        with run_site_node(mounts, catalog=catalog) as node:
            cache = TimedCache(started_cache(node.edge.folder))
            node.cache = build_reconciler(catalog, cache, node.edge.folder, node.manifests)
            arrivals = Arrivals(
                catalog,
                node.pointers,
                SystemClock(),
                (NODE,),
                rollouts=CatalogRolloutProgress(catalog=catalog),
            )
            yield SiteAgent(node=node, cache=cache, arrivals=arrivals)


@contextmanager
def following(agent: SiteAgent) -> Iterator[None]:
    """Follow the pointers as the agent does: a watch, and a loop of its own."""

    def wake() -> None:
        agent.woken_at = agent.woken_at or time.monotonic()
        loop.wake()

    feed = prefix_feed(agent.node.catalog, POINTERS, wake)
    loop = Loop("cache", lambda: _cycle(agent, feed.latest()), tick_seconds=_TICK_SECONDS)
    feed.start()
    loop.start()
    try:
        yield
    finally:
        loop.stop(_PATIENCE_SECONDS)
        feed.stop()


def _cycle(agent: SiteAgent, seen: Snapshot | None) -> Outcome:
    if seen is None:
        return Outcome(sentence="nothing was read yet", changed=False)
    return agent.node.cache.cycle(agent.node.live, decode_pointers(seen.entries), (), SiteTraffic())
