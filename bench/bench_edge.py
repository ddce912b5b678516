"""the full policy with full lists against the bare chain; a policy release under load."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from urllib3 import HTTPConnectionPool

from bare import bare_cache
from frame import Measure, compare, doing, interleave, report, spread
from handshake.edge.policy.policy import EdgePolicy, read_policy
from load import run_wrk
from our_edge import OurEdge, our_edge

_CAMPAIGN = Path(__file__).parents[1] / "examples" / "campaign"
_LISTED = 200_000
_REPETITIONS = 9
_RELEASES = 10
_VISITORS = 4
_PAGES = {"/page.html": os.urandom(7_350).hex().encode(), "/short.txt": b"short\n"}
_PEER = "bare HAProxy -> Varnish"
_LOGGING_PEER = "the same, logging"
_OK = 200


def main() -> None:
    """Start both chains, let them serve the same pages in turn, then release policies under load."""
    policy = read_policy(_CAMPAIGN / "edge.toml")
    with tempfile.TemporaryDirectory(prefix="handshake-bench-") as folder:
        bare_folder, our_folder = Path(folder) / "bare", Path(folder) / "ours"
        for each in (Path(folder), bare_folder, our_folder):
            each.mkdir(exist_ok=True)
            each.chmod(0o755)
        with (
            bare_cache(bare_folder, _PAGES) as (bare, logging),
            our_edge(our_folder, policy, _PAGES, listed=_LISTED, countries=_countries()) as ours,
        ):
            measures = (
                *_race(ours.address, {_PEER: bare, _LOGGING_PEER: logging}),
                *_release(ours, policy),
            )
    report("the edge", measures)


def _countries() -> str:
    """Return half a million networks, as many as the country data has."""
    return "".join(
        f"{first}.{second}.{third}.{fourth}/25 US\n"
        for first in range(1, 17)
        for second in range(256)
        for third in range(64)
        for fourth in (0, 128)
    )


def _race(ours: str, peers: Mapping[str, str]) -> Iterator[Measure]:
    for path, body in _PAGES.items():
        with doing(f"{path}: ours and peers in turn, {_REPETITIONS} times each"):
            loads = interleave(
                {who: partial(run_wrk, f"http://{who}{path}") for who in (ours, *peers.values())},
                repetitions=_REPETITIONS,
            )
        note = f"{len(body)} bytes, {_LISTED} entries on each list"
        for peer, address in peers.items():
            rates = ([load.per_second for load in loads[who]] for who in (ours, address))
            yield compare("cached page: requests", "1/s", next(rates), peer, next(rates), note=note)
            tails = ([load.p99_milliseconds for load in loads[who]] for who in (ours, address))
            yield compare("cached page: p99", "ms", next(tails), peer, next(tails), note=note)


def _release(ours: OurEdge, policy: EdgePolicy) -> Iterator[Measure]:
    """Serve policies that differ, one after the other, while visitors ask without a pause."""
    seconds: list[float] = []
    failed: list[str] = []
    asked = [0]
    is_over = threading.Event()
    visitors = [
        threading.Thread(target=_visit, args=(ours.address, is_over, failed, asked)) for _ in range(_VISITORS)
    ]
    with doing(f"{_RELEASES} releases under load"):
        for visitor in visitors:
            visitor.start()
        for number in range(_RELEASES):
            begun = time.monotonic()
            ours.serve(replace(policy, grace_seconds=number))
            seconds.append(time.monotonic() - begun)
        is_over.set()
        for visitor in visitors:
            visitor.join()
    yield from spread("policy: accepted -> served by ingress and cache", seconds)
    yield Measure(name="requests that failed meanwhile", value=len(failed), unit="", note=f"of {asked[0]}")


def _visit(address: str, is_over: threading.Event, failed: list[str], asked: list[int]) -> None:
    host, _, port = address.partition(":")
    with HTTPConnectionPool(host, int(port), retries=False, timeout=10.0) as pool:
        while not is_over.is_set():
            try:
                status = pool.request("GET", "/page.html").status
            except Exception as error:  # noqa: BLE001 -- whatever it is, a visitor has noticed
                failed.append(repr(error))
            else:
                failed += [] if status == _OK else [str(status)]
            asked[0] += 1


if __name__ == "__main__":
    main()
