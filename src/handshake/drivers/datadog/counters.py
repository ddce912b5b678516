"""Counters over DogStatsD: UDP datagrams, lost without harm where nobody listens."""

from __future__ import annotations

from datadog.dogstatsd.base import DogStatsd


class DogStatsdCounters:
    """Sends counters to a DogStatsD listener."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._client = DogStatsd(
            host=host,
            port=int(port),
            disable_telemetry=True,
            disable_buffering=True,
            origin_detection_enabled=False,
        )

    def increment(self, name: str) -> None:
        """Add one to a counter."""
        self._client.increment(name)
