"""A service answers in time, so that a replacement is never waited for in vain."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.trial import SilentError, Trial


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The first good answer comes before the deadline."""

    name: str = "answers"
    sentence: str = "answers on its port within its deadline"

    def check(self, trial: Trial) -> Finding:
        """Start two instances and wait for both."""
        try:
            twins = trial.twins()
        except SilentError as error:
            return broken(error.what, *error.log)
        slowest = max(twin.boot_seconds for twin in twins)
        return kept(
            f"the slower of two answered after {slowest:.2f} s"
            f" of {trial.contract.health.deadline_seconds:g} s"
        )
