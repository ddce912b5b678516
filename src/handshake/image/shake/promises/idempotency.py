"""A POST whose answer was lost is sent again: only the service can see to it that it has one effect."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from handshake.image.contract import Idempotent
from handshake.image.shake.finding import Finding, Ruling, broken, kept, not_made
from handshake.image.shake.request import Answer, Request, read_number
from handshake.image.shake.trial import Trial, TrialInstance

AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """A POST repeated under one key has one effect, at whichever instance it arrives."""

    name: str = "idempotency"
    sentence: str = "gives a POST that is repeated under one key one effect"

    def check(self, trial: Trial) -> Finding:
        """Repeat each declared POST, in turn and at once, here and there, and count the effects."""
        if not trial.contract.idempotent:
            return not_made("it declares no `[[idempotent]]` POST")
        for declared in trial.contract.idempotent:
            finding = _check(declared, trial.twins())
            if finding.ruling is Ruling.BROKEN:
                return finding
        return kept(f"{2 + AT_ONCE} POSTs under two keys had two effects, at two instances")


def keyed(declared: Idempotent, key: str) -> Request:
    """Return the declared POST under a key."""
    headers = {declared.header: key, "Content-Type": "application/json"}
    return Request(path=declared.path, body=declared.body, headers=headers)


def _check(declared: Idempotent, twins: tuple[TrialInstance, TrialInstance]) -> Finding:
    first, second = twins
    one, other = (keyed(declared, f"contract-check-{first.name}-{number}") for number in (1, 2))
    counts = [_count(declared, first)]
    answers = [first.ask(one)]
    counts.append(_count(declared, first))
    answers.append(second.ask(one))
    counts.append(_count(declared, second))
    answers += second.ask_all([other] * AT_ONCE)
    counts.append(_count(declared, first))
    return _judge(declared, counts, answers)


def _judge(declared: Idempotent, counts: list[float | None], answers: list[Answer]) -> Finding:
    """Compare the counts: the first POST of a key moves them by one step, a repeated one by none."""
    told = f"{declared.count} of GET {declared.count_path}"
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return broken(f"{told} is no number", *map(str, answers[:1]))
    if not answers[0].is_good or not any(answer.is_good for answer in answers[2:]):
        return broken(f"POST {declared.path}, as it is declared, is not accepted", *map(str, answers))
    step, again, at_once = (after - before for before, after in pairwise(known))
    went = f"{told} went {' -> '.join(f'{count:g}' for count in known)}"
    if step == 0:
        return broken(f"a POST does not show in what counts it: {went}", *map(str, answers))
    if again != 0:
        return broken(f"repeated under one key, it had another effect: {went}", *map(str, answers))
    if at_once != step:
        return broken(f"{AT_ONCE} at once under one key had {at_once / step:g} effects: {went}")
    return kept(went)


def _count(declared: Idempotent, instance: TrialInstance) -> float | None:
    return read_number(instance.ask(Request(path=declared.count_path)), declared.count)
