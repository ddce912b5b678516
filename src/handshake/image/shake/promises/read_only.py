"""A service writes to its temporary folder alone, and needs no more: an image is never changed."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.trial import Trial

REFUSALS = ("Read-only file system", "EROFS", "read-only file system")
"""How programs tell that they tried to write where nothing can be written."""


@dataclass(frozen=True, kw_only=True)
class ReadOnly:
    """No file of its trees differs from its release, and its log tells of no attempt."""

    name: str = "read-only"
    sentence: str = "writes nothing outside of its temporary folder, and does not try to"

    def check(self, trial: Trial) -> Finding:
        """Compare the trees, from outside, with what their releases say, then look for attempts in the logs."""
        twins = trial.twins()
        if changed := trial.changed_files():
            return broken(f"{len(changed)} of its files are not what its release says", *changed[:10])
        attempts = [
            line for twin in twins for line in twin.log() if any(refusal in line for refusal in REFUSALS)
        ]
        if attempts:
            return broken("it tries to write where nothing can be written", *attempts[:3])
        return kept("its trees are what their releases say; its logs tell of no attempt to write")
