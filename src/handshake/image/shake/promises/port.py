"""A service listens on its own port of the loopback address: another door would be one that nobody guards."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Port:
    """It accepts connections at its address, and nowhere else."""

    name: str = "port"
    sentence: str = "opens no port beyond its own"

    def check(self, trial: Trial) -> Finding:
        """Read from outside where the processes of both instances listen."""
        for twin in trial.twins():
            if others := [address for address in twin.listening() if address != twin.address]:
                return broken(f"it listens on {', '.join(others)} beside {twin.address}")
        return kept("both listen on 127.0.0.1, each on its own port alone")
