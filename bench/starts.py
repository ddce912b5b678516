"""Starts: how long a visitor waits for the first page after `up`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import urllib3
from tests.support.campaign import CampaignUnderTest

from frame import Measure, doing

_OK = 200
_FIRST_PAGE_SECONDS = 240.0
_LOOK_SECONDS = 0.02


def measure_starts(system: CampaignUnderTest) -> Iterator[Measure]:
    """Start a campaign with nothing there, stop it, start it again, and leave it up."""
    with doing("first start"):
        first = _start(system)
    yield Measure(
        name="up -> first page, nothing there yet", value=first, unit="s", note="builds, bakes, publishes"
    )
    with doing("second start"):
        system.handshake("down")
        second = _start(system)
    yield Measure(name="up -> first page, data there", value=second, unit="s")


def _start(system: CampaignUnderTest) -> float:
    """Run `up` to its end; return after how many seconds the first page came through the ingress."""
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        first_page = beside.submit(_wait_for_page, _find_ingress(system))
        system.handshake("up", str(system.campaign))
        return round(first_page.result() - begun, 2)


def _find_ingress(system: CampaignUnderTest) -> str:
    """Return where visitors will arrive, before `up` has written it down."""
    found = re.search(r'^ingress = "(.+)"', (system.campaign / "handshake.toml").read_text(), re.MULTILINE)
    if found is None:
        raise AssertionError("handshake.toml names no ingress")
    return found[1]


def _wait_for_page(ingress: str) -> float:
    http = urllib3.PoolManager(retries=False, timeout=2.0)
    deadline = time.monotonic() + _FIRST_PAGE_SECONDS
    while time.monotonic() < deadline:
        try:
            if http.request("GET", f"http://{ingress}/").status == _OK:
                return time.monotonic()
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(_LOOK_SECONDS)
    raise AssertionError(f"no page at {ingress} within {_FIRST_PAGE_SECONDS:.0f} s")
