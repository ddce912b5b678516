"""The promises of the contract, in the order in which they are checked."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Protocol

from handshake.core.digest import Digest, digest_bytes
from handshake.image.contract_check.trial import (
    CheckResult,
    Drained,
    ImageTrial,
    PromiseRuling,
    SilentError,
    TrialInstance,
    TrialRequest,
    TrialResponse,
    broken,
    kept,
    not_made,
    read_number,
    read_object,
    reads_of,
)
from handshake.release.image_contract import Idempotent

# The Protocol of a promise: adding one is adding a file to `promises/` and a line to `PROMISES`.


class Promise(Protocol):
    """One thing that every service must do."""

    @property
    def name(self) -> str:
        """What reports and the page in docs/promises call it."""
        ...

    @property
    def sentence(self) -> str:
        """What is promised, as the end of the sentence `the service ...`."""
        ...

    def check(self, trial: ImageTrial) -> CheckResult:
        """Put it to the test; SilentError where an instance that it needs does not answer."""
        ...


# A service listens on its own port of the loopback address: another port would be one that nobody guards.


@dataclass(frozen=True, kw_only=True)
class PortPromise:
    """It accepts connections at its address, and nowhere else."""

    name: str = "port"
    sentence: str = "opens no port beyond its own"

    def check(self, trial: ImageTrial) -> CheckResult:
        """Read from outside where the processes of both instances listen."""
        for twin in trial.twins():
            if others := [address for address in twin.listening() if address != twin.address]:
                return broken(f"it listens on {', '.join(others)} beside {twin.address}")
        return kept("both listen on 127.0.0.1, each on its own port alone")


# A health answer that programs can read, and that costs next to nothing: it is asked for all the time.

QUESTIONS = 40
MOST_PROCESSOR_SECONDS = 0.01
"""For one probe. Three gateways that probe twice a second then take 6 % of one processor."""
MOST_SECONDS = 0.25
"""Until the answer, in the median: a loaded machine may be slow once."""


@dataclass(frozen=True, kw_only=True)
class HealthPromise:
    """Health is 200 with a JSON object, and cheap."""

    name: str = "health"
    sentence: str = "answers for its health with 200, a JSON object, and cheaply"

    def check(self, trial: ImageTrial) -> CheckResult:
        """Ask often, and look at the processor time that it took."""
        instance = trial.one()
        question = TrialRequest(path=trial.contract.health.path)
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
            return broken(f"{measured}; the limits are {limits}")
        return kept(measured)


# A service answers in time, so that a replacement is never waited for in vain.


@dataclass(frozen=True, kw_only=True)
class AnswersPromise:
    """The first good answer comes before the deadline."""

    name: str = "answers"
    sentence: str = "answers on its port within its deadline"

    def check(self, trial: ImageTrial) -> CheckResult:
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


# A renderer says which template release it has loaded: freshness is read off it, and nothing else.

_OTHER = digest_bytes(b"a template release that nobody has published")


@dataclass(frozen=True, kw_only=True)
class TemplateReleasePromise:
    """The right release is answered with 200, every other one with 503."""

    name: str = "template-release"
    sentence: str = "says 200 to the template release that it has loaded, and 503 to any other"

    def check(self, trial: ImageTrial) -> CheckResult:
        """Ask for the release that it was given and for one that nobody has published."""
        if trial.templates is None:
            return not_made("it serves no templates")
        instance = trial.one()
        right, wrong = (instance.ask(_question(trial, release)) for release in (trial.templates, _OTHER))
        if right.status != 200:  # noqa: PLR2004 -- what the contract says
            return broken("the release that it was given is not answered with 200", str(right))
        if wrong.status != 503 or not read_object(wrong).get("reason"):  # noqa: PLR2004 -- what the contract says
            return broken("another release is not answered with 503 and a JSON reason", str(wrong))
        return kept("200 for its own release, 503 with a reason for another")


def _question(trial: ImageTrial, release: Digest) -> TrialRequest:
    return TrialRequest(path=f"{trial.contract.health.path}?templateRelease={release}")


# Logs are lines on standard output: an instance's own files vanish with it, and nobody would read them.

MISSING = "/contract-check"
"""A path that no service has: most log a line about it."""
_UNDECODABLE = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, kw_only=True)
class LogsPromise:
    """An instance that has served has written lines of text."""

    name: str = "logs"
    sentence: str = "logs to standard output, in lines"

    def check(self, trial: ImageTrial) -> CheckResult:
        """Ask both for something and something absent, then read what they wrote."""
        twins = trial.twins()
        for twin in twins:
            twin.ask(TrialRequest(path=trial.contract.health.path))
            twin.ask(TrialRequest(path=MISSING))
        for twin in twins:
            if fault := _fault(twin):
                return broken(fault, *twin.log()[-3:])
        return kept(f"{sum(len(twin.log()) for twin in twins)} lines from two instances")


def _fault(twin: TrialInstance) -> str:
    lines = twin.log()
    if not any(line.strip() for line in lines):
        return f"{twin.name} served requests and wrote nothing to standard output"
    if bad := [line for line in lines if not _is_text(line)]:
        return f"{len(bad)} of {len(lines)} lines are not text"
    return ""


def _is_text(line: str) -> bool:
    return _UNDECODABLE not in line and not any(
        ord(character) < ord(" ") and character != "\t" for character in line
    )


# A service writes to its temporary folder alone, and needs no more: an image is never changed.

REFUSALS = ("Read-only file system", "EROFS", "read-only file system")
"""What programs log when they tried to write to a read-only file system."""


@dataclass(frozen=True, kw_only=True)
class ReadOnlyPromise:
    """No file of its trees differs from its release, and its log shows no attempt to write."""

    name: str = "read-only"
    sentence: str = "writes nothing outside of its temporary folder, and does not try to"

    def check(self, trial: ImageTrial) -> CheckResult:
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


# Instances are interchangeable: what one remembers by itself, the next visitor's instance does not know.

TIMES = 3
"""How often the first is asked before its twin, so that what it remembers of a question shows."""


@dataclass(frozen=True, kw_only=True)
class LikenessPromise:
    """Two instances give the same answers to the same GETs."""

    name: str = "likeness"
    sentence: str = "answers alike from every instance: it keeps no state of its own"

    def check(self, trial: ImageTrial) -> CheckResult:
        """Ask one instance several times and its twin once."""
        if not trial.contract.reads:
            return not_made("it declares no `reads`")
        twins = trial.twins()
        for path in trial.contract.reads:
            answers = _answers(twins, TrialRequest(path=path))
            if not answers[0].is_good:
                return broken(f"the declared GET {path} is not answered with success", str(answers[0]))
            if len({_substance(answer) for answer in answers}) > 1:
                return broken(f"GET {path} has different answers", *map(str, answers))
        return kept(f"{len(trial.contract.reads)} GETs, the same answers from both")


def _answers(twins: tuple[TrialInstance, TrialInstance], request: TrialRequest) -> list[TrialResponse]:
    first, second = twins
    return [*(first.ask(request) for _ in range(TIMES)), second.ask(request)]


def _substance(answer: TrialResponse) -> tuple[int, str, str]:
    return answer.status, answer.content_type, answer.body


# A POST whose answer was lost is sent again: only the service can see to it that it has one effect.

AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class IdempotencyPromise:
    """A POST repeated with one key has one effect, at whichever instance it arrives."""

    name: str = "idempotency"
    sentence: str = "gives a POST that is repeated under one key one effect"

    def check(self, trial: ImageTrial) -> CheckResult:
        """Repeat each declared POST, in turn and at once, here and there, and count the effects."""
        if not trial.contract.idempotent:
            return not_made("it declares no `[[idempotent]]` POST")
        for declared in trial.contract.idempotent:
            finding = _check(declared, trial.twins())
            if finding.ruling is PromiseRuling.BROKEN:
                return finding
        return kept(f"{2 + AT_ONCE} POSTs under two keys had two effects, at two instances")


def keyed(declared: Idempotent, key: str) -> TrialRequest:
    """Return the declared POST under a key."""
    headers = {declared.header: key, "Content-Type": "application/json"}
    return TrialRequest(path=declared.path, body=declared.body, headers=headers)


def _check(declared: Idempotent, twins: tuple[TrialInstance, TrialInstance]) -> CheckResult:
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


def _judge(declared: Idempotent, counts: list[float | None], answers: list[TrialResponse]) -> CheckResult:
    """Compare the counts: the first POST of a key moves them by one step, a repeated one by none."""
    told = f"{declared.count} of GET {declared.count_path}"
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return broken(f"{told} is not a number", *map(str, answers[:1]))
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
    return read_number(instance.ask(TrialRequest(path=declared.count_path)), declared.count)


# A service that is asked to end finishes what it has begun: replacing it costs no visitor anything.

READERS = 6
WRITERS = 3
"""For each declared POST: connections on which half of a body is still to come when SIGTERM arrives."""


@dataclass(frozen=True, kw_only=True)
class DrainPromise:
    """After SIGTERM no request in flight is lost, and the instance ends in time with 0."""

    name: str = "drain"
    sentence: str = "finishes what is in flight after SIGTERM, and ends in time with exit code 0"

    def check(self, trial: ImageTrial) -> CheckResult:
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


def _in_flight(trial: ImageTrial, name: str) -> list[TrialRequest]:
    reads = reads_of(trial.contract)
    return [
        *(reads[number % len(reads)] for number in range(READERS)),
        *(
            keyed(declared, f"contract-check-{name}-drain-{number}")
            for declared in trial.contract.idempotent
            for number in range(WRITERS)
        ),
    ]


def _judge_ending(drained: Drained, drain_seconds: float) -> CheckResult:
    ending, count = drained.ending, len(drained.answers)
    if ending.seconds > drain_seconds:
        return broken(f"it did not end within its {drain_seconds:g} s after SIGTERM, and was killed")
    if ending.code != 0:
        return broken(f"{count} requests were answered, and it ended with {ending.code} instead of 0")
    return kept(f"{count} requests in flight were answered; it ended after {ending.seconds:.2f} s with 0")


# An instance may die at any moment: the others answer on.

ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class TwinPromise:
    """The death of one instance does not affect another."""

    name: str = "twin"
    sentence: str = "answers on when its twin is killed"

    def check(self, trial: ImageTrial) -> CheckResult:
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


# A service stays within its memory while it is used, so that one that leaks is found before visitors find it.

REQUESTS = 240


@dataclass(frozen=True, kw_only=True)
class MemoryPromise:
    """Under a short load it neither fails nor exceeds its memory."""

    name: str = "memory"
    sentence: str = "stays within its memory under load"

    def check(self, trial: ImageTrial) -> CheckResult:
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


# A service without its secrets ends at once and says which one it lacks, rather than serve by half.


@dataclass(frozen=True, kw_only=True)
class SecretsPromise:
    """It refuses to start, with an exit code and a line that names what is missing."""

    name: str = "secrets"
    sentence: str = "refuses to start without its secrets, and says which one is missing"

    def check(self, trial: ImageTrial) -> CheckResult:
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


PROMISES: tuple[Promise, ...] = (
    AnswersPromise(),
    HealthPromise(),
    TemplateReleasePromise(),
    LikenessPromise(),
    IdempotencyPromise(),
    MemoryPromise(),
    LogsPromise(),
    ReadOnlyPromise(),
    PortPromise(),
    SecretsPromise(),
    # These two end an instance: what comes after them waits for another one.
    TwinPromise(),
    DrainPromise(),
)
