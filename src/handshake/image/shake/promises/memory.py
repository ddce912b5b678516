"""A service stays within its memory while it is used, so that one that leaks is found before visitors find it."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.trial import Trial, reads_of

REQUESTS = 240


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Under a short load it neither fails nor fills its memory."""

    name: str = "memory"
    sentence: str = "stays within its memory under load"

    def check(self, trial: Trial) -> Finding:
        """Send a short load to one instance, then look at its data and its answers."""
        instance = trial.one()
        reads = reads_of(trial.contract)
        answers = instance.ask_all([reads[number % len(reads)] for number in range(REQUESTS)])
        limit = trial.contract.memory_megabytes
        if ending := instance.ending():
            return broken(f"it ended with {ending.code} under {REQUESTS} requests", *instance.log()[-5:])
        data = instance.data_megabytes()
        measured = f"{data:.0f} of {limit} MB of data after {REQUESTS} requests"
        if lost := [answer for answer in answers if answer.is_lost]:
            return broken(f"{len(lost)} of {REQUESTS} requests failed; {measured}", *map(str, lost[:3]))
        return kept(measured) if data < limit else broken(measured)
