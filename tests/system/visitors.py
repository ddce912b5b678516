"""Visitors who come all the time while a test does something to the campaign."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import urllib3

from tests.system.campaign_up import CampaignUnderTest

_PAGES = ("/", "/donate", "/calls/", "/api/events/events", "/api/hamm/summary")
_PAUSE_SECONDS = 0.01


@dataclass(kw_only=True)
class Visits:
    """What became of every request."""

    answered: int = 0
    failed: list[str] = field(default_factory=list)

    def count(self, path: str, status: int, why: str = "") -> None:
        """Count one request; status 0 says that no answer came."""
        if 200 <= status < 300:
            self.answered += 1
        else:
            self.failed.append(f"{path}: {status} {why}")


@contextmanager
def visiting(system: CampaignUnderTest, *paths: str) -> Iterator[Visits]:
    """Let a visitor ask for these pages, one after the other, while the block runs; nothing is asked twice."""
    visits, is_over = Visits(), threading.Event()
    visitor = threading.Thread(target=_visit, args=(system.ingress, paths or _PAGES, visits, is_over))
    visitor.start()
    try:
        yield visits
    finally:
        is_over.set()
        visitor.join()


def _visit(ingress: str, paths: tuple[str, ...], visits: Visits, is_over: threading.Event) -> None:
    http = urllib3.PoolManager(retries=False, timeout=10.0)
    while not is_over.is_set():
        for number, path in enumerate(paths):
            # A query of its own keeps a page from being answered out of the cache.
            asked = f"{path}?visit={time.monotonic_ns()}{number}" if path.startswith("/api/") else path
            try:
                visits.count(path, http.request("GET", f"http://{ingress}{asked}", redirect=False).status)
            except urllib3.exceptions.HTTPError as error:
                visits.count(path, 0, repr(error))
            time.sleep(_PAUSE_SECONDS)


def donate(system: CampaignUnderTest, name: str) -> str:
    """Give five dollars, and return the donation's id."""
    body = json.dumps({"amount_cents": 500, "name": name, "email": "visitor@example.org"})
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    answer = system.http.request(
        "POST", f"http://{system.ingress}/api/hamm/donations", body=body, headers=headers
    )
    assert answer.status == 201, answer.data
    donation: str = json.loads(answer.data)["donation_id"]
    return donation
