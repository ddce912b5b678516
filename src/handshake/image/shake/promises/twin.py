"""An instance may die at any moment: the others answer on."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.trial import Trial, reads_of

ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The death of one instance is no matter to another."""

    name: str = "twin"
    sentence: str = "answers on when its twin is killed"

    def check(self, trial: Trial) -> Finding:
        """Kill one of two instances by SIGKILL, and ask the other."""
        victim, survivor = trial.twins()
        reads = reads_of(trial.contract)
        for request in reads:
            if (answer := survivor.ask(request)).is_lost:
                return broken(f"{request} is not answered while both are alive", str(answer))
        victim.kill()
        answers = [survivor.ask(request) for request in reads * ROUNDS]
        if ending := survivor.ending():
            return broken(f"it ended with {ending.code} when its twin was killed", *survivor.log()[-5:])
        if lost := [answer for answer in answers if answer.is_lost]:
            return broken(
                f"{len(lost)} of {len(answers)} requests failed once its twin was killed", str(lost[0])
            )
        return kept(f"{len(answers)} requests answered after the death of its twin")
