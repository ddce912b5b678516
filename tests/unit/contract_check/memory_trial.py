"""A trial in memory: a service that keeps every promise, whose habits a test may change."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handshake.core.digest import Digest, digest_bytes
from handshake.image.contract_check.trial import (
    Drained,
    ExitObservation,
    SilentError,
    TrialRequest,
    TrialResponse,
)
from handshake.release.image_contract import Contract, Health, Idempotent

TEMPLATES = digest_bytes(b"templates")
CONTRACT = Contract(
    command=("python3", "main.py"),
    health=Health(path="/health", deadline_seconds=10),
    stores=("ledger",),
    templates="look",
    drain_seconds=5,
    memory_megabytes=64,
    reads=("/count",),
    idempotent=(Idempotent(path="/things", body="{}", header="Key", count_path="/count", count="/count"),),
)

Serve = Callable[["MemoryInstance", TrialRequest], TrialResponse]


def answer(status: int, value: object) -> TrialResponse:
    """Return an answer with a JSON body."""
    return TrialResponse(
        status=status, body=json.dumps(value), content_type="application/json", seconds=0.001
    )


@dataclass(kw_only=True)
class Store:
    """What the instances of one trial share."""

    keys: set[str] = field(default_factory=set)
    count: int = 0


@dataclass(kw_only=True)
class Habits:
    """What the instances of one trial do."""

    serve: Serve
    boot_seconds: float = 0.5
    is_silent: bool = False
    ends_under_load: bool = False
    data_megabytes: float = 20.0
    processor_seconds: float = 0.0005
    """For each request."""
    lines: tuple[str, ...] = ("serving",)
    others: tuple[str, ...] = ()
    """Where it listens beside its address."""
    lost_in_drain: bool = False
    drained: ExitObservation = field(default_factory=lambda: ExitObservation(code=0, seconds=0.2))
    stripped: ExitObservation | None = field(default_factory=lambda: ExitObservation(code=1, seconds=0.1))
    stripped_lines: tuple[str, ...] = ("the secret ledger is missing",)
    changed: tuple[str, ...] = ()


@dataclass(kw_only=True)
class MemoryInstance:
    """One instance."""

    name: str
    habits: Habits
    store: Store
    trial: MemoryTrial
    boot_seconds: float = 0.5
    requests: int = 0
    own_ending: ExitObservation | None = None
    lines: tuple[str, ...] = ()
    is_killed: bool = False

    @property
    def address(self) -> str:
        """Where it shall listen."""
        return f"127.0.0.1:{20000 + int(self.name[-1])}"

    def ask(self, request: TrialRequest) -> TrialResponse:
        """Answer as the habits say."""
        self.requests += 1
        if self.own_ending or self.is_killed:
            return TrialResponse(status=0, body="refused")
        return self.habits.serve(self, request)

    def ask_all(self, requests: Sequence[TrialRequest]) -> tuple[TrialResponse, ...]:
        """Answer one by one; a load is too much for some."""
        answers = tuple(map(self.ask, requests))
        if self.habits.ends_under_load and len(requests) > 100:
            self.own_ending = ExitObservation(code=137)
        return answers

    def drain(self, requests: Sequence[TrialRequest]) -> Drained:
        """Answer what is in flight, or drop it, and end."""
        answers = tuple(map(self.ask, requests))
        if self.habits.lost_in_drain:
            answers = tuple(TrialResponse(status=0, body="reset") for _ in requests)
        return Drained(answers=answers, ending=self.habits.drained)

    def kill(self) -> None:
        """End."""
        self.is_killed = True

    def ending(self, within_seconds: float = 0.0) -> ExitObservation | None:
        """Return how it ended by itself, at once: nothing here takes time."""
        assert within_seconds >= 0
        return self.own_ending

    def log(self) -> tuple[str, ...]:
        """Return its lines."""
        return self.lines

    def listening(self) -> tuple[str, ...]:
        """Return where it listens."""
        return (self.address, *self.habits.others)

    def processor_seconds(self) -> float:
        """Return what its requests have cost."""
        return self.requests * self.habits.processor_seconds

    def data_megabytes(self) -> float:
        """Return its data."""
        return self.habits.data_megabytes


@dataclass(kw_only=True)
class MemoryTrial:
    """Keeps the Protocol Trial."""

    habits: Habits
    contract: Contract = CONTRACT
    templates: Digest | None = TEMPLATES
    store: Store = field(default_factory=Store)
    running: list[MemoryInstance] = field(default_factory=list)
    launched: int = 0

    def one(self) -> MemoryInstance:
        """Return an instance that answers."""
        return self._at_least(1)[-1]

    def twins(self) -> tuple[MemoryInstance, MemoryInstance]:
        """Return two."""
        first, second = self._at_least(2)[:2]
        return first, second

    def stripped(self) -> MemoryInstance:
        """Return one without secrets."""
        instance = self._launch()
        instance.own_ending, instance.lines = self.habits.stripped, self.habits.stripped_lines
        return instance

    def changed_files(self) -> tuple[str, ...]:
        """Return what was changed."""
        return self.habits.changed

    def renew(self) -> None:
        """Let go of all instances."""
        self.running.clear()

    def _at_least(self, count: int) -> list[MemoryInstance]:
        if self.habits.is_silent:
            raise SilentError("no good answer within 10 s: its last answer was 503", ("no store",))
        self.running = [each for each in self.running if not each.is_killed and not each.own_ending]
        self.running += [self._launch() for _ in range(count - len(self.running))]
        return self.running

    def _launch(self) -> MemoryInstance:
        self.launched += 1
        return MemoryInstance(
            name=f"honest-{self.launched}",
            habits=self.habits,
            store=self.store,
            trial=self,
            boot_seconds=self.habits.boot_seconds,
            lines=self.habits.lines,
        )


def serve_honestly(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Count each key once, and say how many there were."""
    store = instance.store
    if request.path == "/things":
        store.count += request.headers["Key"] not in store.keys
        store.keys.add(request.headers["Key"])
        return answer(201, {})
    if request.path == "/count":
        return answer(200, {"count": store.count})
    path, _, release = request.path.partition("?templateRelease=")
    if path != "/health":
        return answer(404, {})
    return answer(200, {"status": "ok"}) if release in {"", TEMPLATES} else answer(503, {"reason": "stale"})
