"""150 sites: a rollback from the pointer's move to the ack, step by step; and the edge's cold start."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.live.edges import run_varnish
from tests.live.site_nodes import started_cache

from frame import Measure, doing, report
from handshake.core.digest import Digest
from handshake.release.manifest import Encoding, RedirectRule, SiteContract
from site_agent import STEPS, SiteAgent, following, run_site_agent

_NAMES = tuple(f"site-{number}" for number in range(150))
_MOUNTS = {name: f"/{name}" for name in _NAMES}
_REPETITIONS = 5
_STARTS = 3
_OTHERS = 6
"""Sites that move between a promote and its rollback: more than there are programs that stay loaded."""
_QUIET_SECONDS = 0.3
"""After a move has settled, the agent looks once more."""
_CONTRACT = SiteContract(
    is_pretty=True,
    encodings=tuple(Encoding),
    redirects=tuple(
        RedirectRule(pattern=f"/old/{number}", target="/about", status=301, is_forced=True)
        for number in range(20)
    ),
)
_Releases = Mapping[str, Sequence[Digest]]
"""Of each site: the one before, the one now."""


def main() -> None:
    """Start from nothing, move sites to and fro, start again."""
    report("rollback among 150 sites", tuple(_measure()))


def _measure() -> Iterator[Measure]:
    with doing(f"cold start: {_STARTS} times"):
        seconds = [_start_from_nothing() for _ in range(_STARTS)]
    yield _milliseconds("cold start with nothing on disk", seconds)
    with run_site_agent(_MOUNTS) as agent:
        releases = _promote_all(agent)
        agent.node.turn()
        with following(agent):
            yield from _roll_back("rollback", agent, releases, others=0)
            yield from _roll_back(f"rollback, {_OTHERS} others moved since", agent, releases, others=_OTHERS)
        seconds = [_start_again(agent, number) for number in range(_STARTS)]
    yield _milliseconds("cold start of the cache by itself", seconds)


def _start_from_nothing() -> float:
    """Start catalogue, ingress and cache; return the seconds until every site is acknowledged and the last one seen."""
    begun = time.monotonic()
    with run_site_agent(_MOUNTS) as agent:
        started = time.monotonic()
        _promote_all(agent)
        ready = time.monotonic()
        agent.node.turn()
        _see(agent, _NAMES[-1], "before")
        return time.monotonic() - ready + started - begun


def _promote_all(agent: SiteAgent) -> _Releases:
    """Publish two releases of every site, and let the pointers name the first."""
    releases = {name: [_publish(agent, name, version) for version in ("before", "now")] for name in _NAMES}
    for name in _NAMES:
        agent.node.pointers.settle(agent.node.move(name, releases[name][0]))
    return releases


def _publish(agent: SiteAgent, name: str, version: str) -> Digest:
    pages = {f"{page}.html": f"{page} of {name}, {version}" for page in ("index", "about", "news")}
    return agent.node.publish(name, pages, _CONTRACT)


def _roll_back(what: str, agent: SiteAgent, releases: _Releases, *, others: int) -> Iterator[Measure]:
    """Promote a site, let others move, take it back; yield the whole and its steps."""
    taken: list[tuple[float, ...]] = []
    with doing(f"{what}: {_REPETITIONS} times"):
        for number in range(_REPETITIONS):
            name = _NAMES[77 + number]
            _move(agent, name, releases[name][1])
            for other in _NAMES[:others]:
                _move(agent, other, releases[other][(number + 1) % 2])
            taken.append(_move(agent, name, releases[name][0], is_urgent=True))
            _see(agent, name, "before")
    yield _milliseconds(what, [sum(steps) for steps in taken])
    for step, seconds in zip(STEPS, zip(*taken, strict=True), strict=True):
        yield _milliseconds(f"  {step}", seconds)


def _move(agent: SiteAgent, name: str, release: Digest, *, is_urgent: bool = False) -> tuple[float, ...]:
    steps = agent.move(name, release, is_urgent=is_urgent)
    time.sleep(_QUIET_SECONDS)
    return steps


def _start_again(agent: SiteAgent, number: int) -> float:
    """Start a second cache from what the first one noted down; return the seconds until it serves."""
    folder = agent.node.edge.folder / f"again-{number}"
    folder.mkdir()
    running = started_cache(agent.node.edge.folder)
    text = (agent.node.edge.folder / "cache" / "programs" / f"{running.active()}.vcl").read_text()
    with run_varnish(folder) as cache:
        cache.prepare("served", text)
        cache.flip("served")
    begun = time.monotonic()
    with run_varnish(folder) as cache:
        if cache.active() != "served":
            raise AssertionError("the cache does not begin with what it served")
        return time.monotonic() - begun


def _see(agent: SiteAgent, name: str, version: str) -> None:
    body = agent.node.edge.ask(f"/{name}/about").body
    if body != f"about of {name}, {version}":
        raise AssertionError(f"/{name}/about shows {body!r}")


def _milliseconds(name: str, seconds: Sequence[float]) -> Measure:
    return Measure(
        name=name, value=round(median(seconds) * 1000, 1), unit="ms", note=f"median of {len(seconds)}"
    )


if __name__ == "__main__":
    main()
