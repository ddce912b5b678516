"""A service that is asked to end finishes what it has begun: replacing it costs no visitor anything."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.promises.idempotency import keyed
from handshake.image.shake.request import Request
from handshake.image.shake.trial import Drained, Trial, reads_of

READERS = 6
WRITERS = 3
"""For each declared POST: connections on which half of a body is still to come when SIGTERM arrives."""


@dataclass(frozen=True, kw_only=True)
class Drain:
    """After SIGTERM no request in flight is lost, and the instance ends in time with 0."""

    name: str = "drain"
    sentence: str = "finishes what is in flight after SIGTERM, and ends in time with exit code 0"

    def check(self, trial: Trial) -> Finding:
        """Send SIGTERM while requests are in flight on several connections, slow ones among them."""
        instance = trial.one()
        requests = _in_flight(trial, instance.name)
        drained = instance.drain(requests)
        lost = [
            f"{request}: {answer}"
            for request, answer in zip(requests, drained.answers, strict=True)
            if answer.is_lost or (request.body and not answer.is_good)
        ]
        if lost:
            return broken(f"{len(lost)} of {len(requests)} requests in flight were lost", *lost)
        return _judge_ending(drained, trial.contract.drain_seconds)


def _in_flight(trial: Trial, name: str) -> list[Request]:
    reads = reads_of(trial.contract)
    return [
        *(reads[number % len(reads)] for number in range(READERS)),
        *(
            keyed(declared, f"contract-check-{name}-drain-{number}")
            for declared in trial.contract.idempotent
            for number in range(WRITERS)
        ),
    ]


def _judge_ending(drained: Drained, drain_seconds: float) -> Finding:
    ending, count = drained.ending, len(drained.answers)
    if ending.seconds > drain_seconds:
        return broken(f"it did not end within its {drain_seconds:g} s after SIGTERM, and was killed")
    if ending.code != 0:
        return broken(f"{count} requests were answered, and it ended with {ending.code} instead of 0")
    return kept(f"{count} requests in flight were answered; it ended after {ending.seconds:.2f} s with 0")
