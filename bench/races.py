"""Races: the campaign and a bare peer serve the same bytes to the same load, in turn."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.support.campaign import CampaignUnderTest

from bare import bare_balancer, bare_cache
from frame import Measure, compare, doing, interleave
from handshake.compose.cli import compose_cli
from handshake.core.clock import SystemClock
from handshake.release.node_paths import load_node
from load import Load, run_wrk

_REPETITIONS = 5
_PAGE = "/"
_SUMMARY = "/api/hamm/summary"

_FIGURES: dict[str, tuple[str, Callable[[Load], float]]] = {
    "requests": ("1/s", lambda load: load.per_second),
    "p99": ("ms", lambda load: load.p99_milliseconds),
}


def race_cache(system: CampaignUnderTest) -> Iterator[Measure]:
    """Race what the campaign's cache holds against bare HAProxy -> Varnish."""
    paths = {"cached page": _PAGE, "asset": _find_asset(system)}
    pages = {path: system.get(path).data for path in paths.values()}
    with _folder() as folder, bare_cache(folder, pages) as (bare, _):
        for name, path in paths.items():
            yield from _race(name, path, system.ingress, "bare HAProxy -> Varnish", bare)


def race_service(system: CampaignUnderTest) -> Iterator[Measure]:
    """Race an API call against bare HAProxy in front of one of the same instances."""
    with _folder() as folder, bare_balancer(folder, _find_instance(system, "hamm"), _SUMMARY) as bare:
        yield from _race("API call", _SUMMARY, system.ingress, "bare HAProxy -> one instance", bare)


def _race(name: str, path: str, system: str, peer: str, bare: str) -> Iterator[Measure]:
    addresses = {"system": system, "bare": bare}
    with doing(f"{name}: system and peer in turn, {_REPETITIONS} times each"):
        loads = interleave(
            {who: partial(run_wrk, f"http://{address}{path}") for who, address in addresses.items()},
            repetitions=_REPETITIONS,
        )
    for figure, (unit, read) in _FIGURES.items():
        ours, theirs = ([read(load) for load in loads[who]] for who in addresses)
        yield compare(f"{name}: {figure}", unit, ours, peer, theirs, note=path)


def _find_asset(system: CampaignUnderTest) -> str:
    found = re.search(r'assets/style[^"]*', system.get("/calls/").data.decode())
    if found is None:
        raise AssertionError("/calls/ names no style sheet")
    return f"/calls/{found[0]}"


def _find_instance(system: CampaignUnderTest, service: str) -> str:
    catalog = compose_cli(load_node(system.run / "node.json"), SystemClock()).live_data.catalog
    endpoint = catalog.endpoints(service).endpoints[0]
    return f"{endpoint.host}:{endpoint.port}"


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="handshake-bare-") as folder:
        yield Path(folder)
