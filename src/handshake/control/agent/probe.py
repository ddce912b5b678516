"""Probes: one HTTP question to an instance, and what came of it."""

from __future__ import annotations

import urllib3

from handshake.core.clock import Clock
from handshake.core.verdict import Evidence

_BODY_CHARACTERS = 500
_INSTANCES = 1024
"""Of which urllib3 remembers how they are asked: with its usual 10 it would begin anew at every question."""


class Prober:
    """Asks instances how they are. Each question has a connection of its own, as a load balancer's has."""

    def __init__(self, clock: Clock, *, timeout_seconds: float = 2.0) -> None:
        self._clock = clock
        self._http = urllib3.PoolManager(
            num_pools=_INSTANCES, timeout=timeout_seconds, retries=False, headers={"Connection": "close"}
        )

    def ask(self, host: str, port: int, path: str) -> Evidence:
        """Return what the instance answered; status 0 and the reason where it did not."""
        begun = self._clock.monotonic()
        try:
            answer = self._http.request("GET", f"http://{host}:{port}{path}", redirect=False)
            status, body = answer.status, answer.data.decode(errors="replace")
        except urllib3.exceptions.HTTPError as error:
            status, body = 0, str(error).rpartition(": ")[2]
        return Evidence(
            status=status,
            body=body[:_BODY_CHARACTERS],
            latency_seconds=round(self._clock.monotonic() - begun, 4),
            at=self._clock.now(),
        )
