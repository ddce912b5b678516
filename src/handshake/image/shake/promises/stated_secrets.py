"""A service without its secrets ends at once and says which one it lacks, rather than serve by half."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept, not_made
from handshake.image.shake.trial import Trial


@dataclass(frozen=True, kw_only=True)
class StatedSecrets:
    """It refuses to start, with an exit code and a line that names what is missing."""

    name: str = "secrets"
    sentence: str = "refuses to start without its secrets, and says which one is missing"

    def check(self, trial: Trial) -> Finding:
        """Start an instance without any secret, and wait for its end."""
        names = trial.contract.stores
        if not names:
            return not_made("it needs no secret")
        deadline = trial.contract.health.deadline_seconds
        instance = trial.stripped()
        ending = instance.ending(within_seconds=deadline)
        log = instance.log()
        if ending is None:
            return broken(f"without {', '.join(names)} it still runs after {deadline:g} s", *log[-3:])
        if ending.code == 0:
            return broken(f"without {', '.join(names)} it ends with exit code 0", *log[-3:])
        named = [line for line in log if any(name in line for name in names)]
        if not named:
            return broken(f"it ends, and no line of its log names {' or '.join(names)}", *log[-3:])
        return kept(f"it ended with exit code {ending.code} and wrote: {named[-1].strip()}")
