"""A health answer that programs can read, and that costs next to nothing: it is asked for all the time."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.request import Request, read_object
from handshake.image.shake.trial import Trial

QUESTIONS = 40
MOST_PROCESSOR_SECONDS = 0.01
"""For one question. Three gateways that ask twice a second then take 6 % of one processor."""
MOST_SECONDS = 0.25
"""Until the answer, in the median: a machine under load may be slow once."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """Health is 200 with a JSON object, and cheap."""

    name: str = "health"
    sentence: str = "answers for its health with 200, a JSON object, and cheaply"

    def check(self, trial: Trial) -> Finding:
        """Ask often, and look at the processor time that it took."""
        instance = trial.one()
        question = Request(path=trial.contract.health.path)
        before = instance.processor_seconds()
        answers = [instance.ask(question) for _ in range(QUESTIONS)]
        cost = (instance.processor_seconds() - before) / QUESTIONS
        for answer in answers:
            if answer.status != 200 or not read_object(answer):  # noqa: PLR2004 -- what the contract says
                return broken(f"{question} is not 200 with a JSON object", str(answer))
        took = median(answer.seconds for answer in answers)
        measured = f"an answer takes {cost * 1000:.1f} ms of processor time and {took * 1000:.0f} ms in all"
        if cost > MOST_PROCESSOR_SECONDS or took > MOST_SECONDS:
            limits = f"{MOST_PROCESSOR_SECONDS * 1000:g} ms and {MOST_SECONDS * 1000:g} ms"
            return broken(f"{measured}; {limits} are the most")
        return kept(measured)
