"""requests/s and hit rate of an edge with 150 sites against a bare Varnish with one; how long a pointer's move takes."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.live.edges import Edge, run_edge
from tests.live.faulty_regions import FaultyRegion

from bare import bare_cache
from frame import Measure, compare, doing, interleave, report
from handshake.config.reader import parse_settings
from handshake.edge.cache.compile.target import ReleaseRoute, SiteRoute
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import Encoding, RedirectRule, SiteContract
from load import Load, run_wrk

_SITES = 150
_MOVES = 5
_REPETITIONS = 5
_LIVE, _OTHER = "a" * 64, "b" * 64
_BODY = "x" * 4000


def main() -> None:
    """Run both edges, load them in turn, and move pointers."""
    report("150 sites on one edge", tuple(_measure()))


def _measure() -> Iterator[Measure]:
    sites = tuple(_site(number) for number in range(_SITES))
    regions = FaultyRegion(), FaultyRegion()
    for region in regions:
        for site in sites:
            region.publish(
                site.name, site.live.release, {"index.html": _BODY, "about.html": _BODY}, site.live.contract
            )
    policy = build_policy(parse_settings(EdgeSettings, "", shown_as="edge.toml"))
    with (
        run_edge(policy, sites, "", regions=regions) as edge,
        tempfile.TemporaryDirectory(prefix="handshake-bare-") as folder,
        bare_cache(Path(folder), {"/about": _BODY.encode()}) as (bare, _),
    ):
        yield from _race("a page", f"127.0.0.1:{edge.port}/site-149/about", f"{bare}/about")
        yield from _race("a redirect", f"127.0.0.1:{edge.port}/site-149/old/1999", f"{bare}/about")
        yield _hit_rate(edge, regions)
        yield _move(edge, sites)


def _site(number: int) -> SiteRoute:
    rules = tuple(
        RedirectRule(pattern=f"/old/{each}", target="/about", status=301, is_forced=True)
        for each in range(2000 if number == _SITES - 1 else 20)
    )
    contract = SiteContract(is_pretty=True, encodings=tuple(Encoding), redirects=rules)
    return SiteRoute(
        name=f"site-{number}", mount=f"/site-{number}", live=ReleaseRoute(release=_LIVE, contract=contract)
    )


def _race(name: str, ours: str, theirs: str) -> Iterator[Measure]:
    with doing(f"{name}: {_REPETITIONS} times each"):
        loads: dict[str, list[Load]] = interleave(
            {
                who: partial(run_wrk, f"http://{address}")
                for who, address in (("ours", ours), ("bare", theirs))
            },
            repetitions=_REPETITIONS,
        )
    per_second = {who: [load.per_second for load in them] for who, them in loads.items()}
    p99 = {who: [load.p99_milliseconds for load in them] for who, them in loads.items()}
    peer = "bare HAProxy -> Varnish, one site"
    yield compare(f"{name}: requests", "1/s", per_second["ours"], peer, per_second["bare"], note="150 sites")
    yield compare(f"{name}: p99", "ms", p99["ours"], peer, p99["bare"], note="150 sites")


def _hit_rate(edge: Edge, regions: tuple[FaultyRegion, FaultyRegion]) -> Measure:
    """Ask for every site's pages with ever other queries; what reaches a region is no hit."""
    connection, asked = http.client.HTTPConnection("127.0.0.1", edge.port), 0
    for round_number in range(11):
        if round_number == 1:
            # What is fetched at first is no miss that routing could spare.
            asked = 0
            for region in regions:
                region.seen.clear()
        for number in range(_SITES):
            for page in ("", "about"):
                connection.request("GET", f"/site-{number}/{page}?utm_source={round_number}-{number}")
                connection.getresponse().read()
                asked += 1
    misses = len({seen.path for region in regions for seen in region.seen})
    rate = round(100 * (1 - misses / asked), 2)
    return Measure(
        name="hit rate", value=rate, unit="%", note=f"{asked} requests after each page was seen once"
    )


def _move(edge: Edge, sites: tuple[SiteRoute, ...]) -> Measure:
    seconds = []
    with doing(f"{_MOVES} moves"):
        for number in range(_MOVES):
            moved = SiteRoute(
                name=sites[number].name,
                mount=sites[number].mount,
                live=ReleaseRoute(release=_OTHER, contract=sites[number].live.contract),
            )
            begun = time.monotonic()
            edge.cache.prepare(
                f"moved-{number}", edge.print_cache((moved, *sites[:number], *sites[number + 1 :]))
            )
            edge.cache.flip(f"moved-{number}")
            seconds.append(time.monotonic() - begun)
    return Measure(
        name="pointer's move: compile, load, flip",
        value=round(median(seconds) * 1000),
        unit="ms",
        note=f"of {_MOVES}",
    )


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(str(error.stderr))
