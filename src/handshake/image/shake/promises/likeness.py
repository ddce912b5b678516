"""Instances are interchangeable: what one remembers by itself, the next visitor's instance does not know."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept, not_made
from handshake.image.shake.request import Answer, Request
from handshake.image.shake.trial import Trial, TrialInstance

TIMES = 3
"""How often the first is asked before its twin: what it remembers of a question shows by then."""


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """Two instances give the same answers to the same GETs."""

    name: str = "likeness"
    sentence: str = "answers alike from every instance: it keeps no state of its own"

    def check(self, trial: Trial) -> Finding:
        """Ask one instance several times and its twin once."""
        if not trial.contract.reads:
            return not_made("it declares no `reads`")
        twins = trial.twins()
        for path in trial.contract.reads:
            answers = _answers(twins, Request(path=path))
            if not answers[0].is_good:
                return broken(f"GET {path}, which it declares, is not answered well", str(answers[0]))
            if len({_substance(answer) for answer in answers}) > 1:
                return broken(f"GET {path} is answered in different ways", *map(str, answers))
        return kept(f"{len(trial.contract.reads)} GETs, the same answers from both")


def _answers(twins: tuple[TrialInstance, TrialInstance], request: Request) -> list[Answer]:
    first, second = twins
    return [*(first.ask(request) for _ in range(TIMES)), second.ask(request)]


def _substance(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.content_type, answer.body
