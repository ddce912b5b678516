"""One instance under test: sent requests through its port, inspected and stopped from outside."""

from __future__ import annotations

import http.client
import select
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from handshake.core.clock import Clock
from handshake.fleet.instances.launch import InstanceHost
from handshake.image.contract_check.trial import Drained, ExitObservation, TrialRequest, TrialResponse

# One request to an instance under test, on a connection that can be held in the middle of it.

TIMEOUT_SECONDS = 10.0
_BEGUN_SECONDS = 1.0
"""How long a service may take to start reading a body."""


class Exchange:
    """A connection to one address, with at most one request in flight."""

    def __init__(self, address: str, clock: Clock, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._clock = clock
        self._connection = http.client.HTTPConnection(address, timeout=timeout_seconds)
        self._rest = b""
        self._fault = ""
        self._begun = 0.0

    def ask(self, request: TrialRequest) -> TrialResponse:
        """Send a request and return its answer."""
        self._begin(request, halves=1)
        return self.finish()

    def begin(self, request: TrialRequest) -> None:
        """Send a request, of a body only the first half, and go on once the service has begun to read it."""
        self._begin(request, halves=2)
        if self._rest:
            self.wait_for_bytes(_BEGUN_SECONDS)

    def wait_for_bytes(self, seconds: float) -> None:
        """Wait until the service has sent anything, or the seconds have passed."""
        if self._connection.sock and not self._fault:
            select.select([self._connection.sock], [], [], seconds)

    def finish(self) -> TrialResponse:
        """Send what is left of the request under way and return its answer."""
        try:
            if not self._fault:
                if self._rest:
                    self._connection.send(self._rest)
                return self._read()
        except (OSError, http.client.HTTPException) as error:
            self._note(error)
        return TrialResponse(status=0, body=self._fault, seconds=self._clock.monotonic() - self._begun)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _begin(self, request: TrialRequest, *, halves: int) -> None:
        self._fault, self._begun = "", self._clock.monotonic()
        body = request.body.encode()
        now = len(body) if halves == 1 else len(body) // halves
        self._rest = body[now:]
        try:
            self._send_head(request, len(body))
            if body:
                self._connection.send(body[:now])
        except (OSError, http.client.HTTPException) as error:
            self._note(error)

    def _send_head(self, request: TrialRequest, length: int) -> None:
        self._connection.putrequest(request.method, request.path)
        for name, value in request.headers.items():
            self._connection.putheader(name, value)
        if length:
            self._connection.putheader("Content-Length", str(length))
        if self._rest:
            # The service says so when it begins to read the body: then the request is truly in its hands.
            self._connection.putheader("Expect", "100-continue")
        self._connection.endheaders()

    def _read(self) -> TrialResponse:
        answer = self._connection.getresponse()
        body = answer.read().decode(errors="replace")
        return TrialResponse(
            status=answer.status,
            body=body,
            content_type=answer.headers.get("Content-Type", ""),
            seconds=self._clock.monotonic() - self._begun,
        )

    def _note(self, error: Exception) -> None:
        self._fault = f"{type(error).__name__}: {error}"
        self._connection.close()


def ask_once(address: str, clock: Clock, request: TrialRequest) -> TrialResponse:
    """Send one request on a connection of its own and return its answer."""
    exchange = Exchange(address, clock)
    try:
        return exchange.ask(request)
    finally:
        exchange.close()


# The Protocol of what sees an instance from outside, whatever the instance says of itself.


class ProcessInspector(Protocol):
    """Inspects the instances of one host. Returns nothing for an instance that has ended or never existed."""

    def kill(self, instance: str) -> None:
        """Send SIGKILL, and return once it has ended; idempotent."""
        ...

    def exit_code(self, instance: str) -> int | None:
        """Return how it ended, as a shell says it; None while it runs, and while nobody has written it down."""
        ...

    def listening(self, instance: str) -> tuple[str, ...]:
        """Return every `address:port` on which one of its processes accepts TCP connections."""
        ...

    def processor_seconds(self, instance: str) -> float:
        """Return the processor time that its processes have used, ended children included."""
        ...

    def data_megabytes(self, instance: str) -> float:
        """Return the data of its largest process: heap, stacks and private mappings."""
        ...


CONNECTIONS = 8
_TICK_SECONDS = 0.02
_SLOW_SECONDS = 0.3
"""When, after SIGTERM, the second half of a body is sent."""
_RECORD_SECONDS = 2.0
"""How long after its end a supervisor may take to record how an instance ended."""
_LOG_LINES = 10_000

Seen = TypeVar("Seen")


@dataclass(frozen=True, kw_only=True)
class CheckBench:
    """The test environment of instances: where they run, what inspects them, and their secrets."""

    host: InstanceHost
    witness: ProcessInspector
    secrets: dict[str, str]
    """Store -> its address with its password."""


class SandboxedInstance:
    """Implements the Protocol TrialInstance with an instance that a host runs."""

    def __init__(
        self, name: str, address: str, *, bench: CheckBench, clock: Clock, drain_seconds: float
    ) -> None:
        self.name = name
        self.address = address
        self.boot_seconds = 0.0
        self._host, self._witness = bench.host, bench.witness
        self._clock = clock
        self._drain_seconds = drain_seconds
        self._started = clock.monotonic()

    def ask(self, request: TrialRequest) -> TrialResponse:
        """Send one request on a connection of its own."""
        return ask_once(self.address, self._clock, request)

    def ask_all(self, requests: Sequence[TrialRequest]) -> tuple[TrialResponse, ...]:
        """Send all requests over several connections at once."""
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="contract-check") as pool:
            return tuple(pool.map(self.ask, requests))

    def wait_for_good(self, request: TrialRequest, seconds: float) -> TrialResponse:
        """Ask until a good answer comes, the instance ends or the seconds have passed; return the last answer."""
        last = TrialResponse(status=0, body="nothing was asked")

        def ask() -> TrialResponse | None:
            nonlocal last
            last = self.ask(request)
            return last if last.is_good or self._has_ended() else None

        self._poll(ask, seconds - (self._clock.monotonic() - self._started))
        if last.is_good:
            self.boot_seconds = self._clock.monotonic() - self._started
        return last

    def drain(self, requests: Sequence[TrialRequest]) -> Drained:
        """Send SIGTERM while requests are in flight, and return the result of them and of the instance."""
        exchanges = [self._warm(request) for request in requests]
        self._begin_all(dict(zip(exchanges, requests, strict=True)))
        with ThreadPoolExecutor(1, thread_name_prefix="drain") as pool:
            stopping = pool.submit(self._stop)
            self._clock.sleep(_SLOW_SECONDS)
            answers = tuple(exchange.finish() for exchange in exchanges)
            for exchange in exchanges:
                exchange.close()
            return Drained(answers=answers, ending=stopping.result())

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._witness.kill(self.name)

    def ending(self, within_seconds: float = 0.0) -> ExitObservation | None:
        """Return how it ended by itself; None while it runs."""
        if not self._poll(lambda: self._has_ended() or None, within_seconds):
            return None
        seconds = self._clock.monotonic() - self._started
        return ExitObservation(code=self._exit_code(), seconds=round(seconds, 3))

    def log(self) -> tuple[str, ...]:
        """Return the lines that it wrote."""
        return self._host.log_tail(self.name, _LOG_LINES)

    def listening(self) -> tuple[str, ...]:
        """Return every address on which it accepts TCP connections."""
        return self._witness.listening(self.name)

    def processor_seconds(self) -> float:
        """Return the processor time that it has used."""
        return self._witness.processor_seconds(self.name)

    def data_megabytes(self) -> float:
        """Return the data of its largest process."""
        return self._witness.data_megabytes(self.name)

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return not self._has_ended()

    def remove(self) -> None:
        """End it at once, and keep nothing of it."""
        self._host.stop(self.name, drain_seconds=0)
        self._host.forget(self.name)

    def _warm(self, request: TrialRequest) -> Exchange:
        """Return a connection that the service has accepted and served: what follows on it was let in before."""
        exchange = Exchange(self.address, self._clock, timeout_seconds=self._drain_seconds + 1)
        exchange.ask(TrialRequest(path=request.path) if not request.body else TrialRequest(path="/"))
        return exchange

    def _begin_all(self, flights: Mapping[Exchange, TrialRequest]) -> None:
        """Send all requests, those with a body first: what is answered at once goes out right before the signal."""
        slow = [exchange for exchange, request in flights.items() if request.body]
        quick = [exchange for exchange in flights if exchange not in slow]
        for exchange in (*slow, *quick):
            exchange.begin(flights[exchange])
        for exchange in quick[:1]:
            # Its first byte shows that the service has come to read what was sent.
            exchange.wait_for_bytes(self._drain_seconds)

    def _stop(self) -> ExitObservation:
        begun = self._clock.monotonic()
        self._host.stop(self.name, drain_seconds=self._drain_seconds)
        seconds = self._clock.monotonic() - begun
        return ExitObservation(code=self._exit_code(), seconds=round(seconds, 3))

    def _exit_code(self) -> int:
        code = self._poll(self._record, _RECORD_SECONDS)
        return code[0] if code else -1

    def _record(self) -> tuple[int] | None:
        code = self._witness.exit_code(self.name)
        return None if code is None else (code,)

    def _has_ended(self) -> bool:
        hosted = self._host.observe().get(self.name)
        return hosted is None or not hosted.is_running

    def _poll(self, look: Callable[[], Seen | None], seconds: float) -> Seen | None:
        """Look until something is seen or the seconds have passed, at least once."""
        deadline = self._clock.monotonic() + seconds
        while True:
            seen = look()
            if seen is not None or self._clock.monotonic() >= deadline:
                return seen
            self._clock.sleep(_TICK_SECONDS)
