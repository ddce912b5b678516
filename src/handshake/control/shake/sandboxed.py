"""One instance under test: asked over its port, seen and ended from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from handshake.control.shake.exchange import Exchange, ask_once
from handshake.core.clock import Clock
from handshake.fleet.host import InstanceHost
from handshake.image.shake.request import Answer, Request
from handshake.image.shake.trial import Drained, Ending
from handshake.image.shake.witness import Witness

CONNECTIONS = 8
_TICK_SECONDS = 0.02
_SLOW_SECONDS = 0.3
"""How long after SIGTERM the second half of a body comes."""
_RECORD_SECONDS = 2.0
"""How long after its end a supervisor may take to write down how an instance ended."""
_LOG_LINES = 10_000

Seen = TypeVar("Seen")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What instances are tried on: where they run, what sees them, and their secrets."""

    host: InstanceHost
    witness: Witness
    secrets: dict[str, str]
    """Store -> its address with its password."""


class SandboxedInstance:
    """Keeps the Protocol TrialInstance over an instance that a host runs."""

    def __init__(self, name: str, address: str, *, bench: Bench, clock: Clock, drain_seconds: float) -> None:
        self.name = name
        self.address = address
        self.boot_seconds = 0.0
        self._host, self._witness = bench.host, bench.witness
        self._clock = clock
        self._drain_seconds = drain_seconds
        self._started = clock.monotonic()

    def ask(self, request: Request) -> Answer:
        """Send one request on a connection of its own."""
        return ask_once(self.address, self._clock, request)

    def ask_all(self, requests: Sequence[Request]) -> tuple[Answer, ...]:
        """Send all requests over several connections at once."""
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="shake") as pool:
            return tuple(pool.map(self.ask, requests))

    def wait_for_good(self, request: Request, seconds: float) -> Answer:
        """Ask until a good answer comes, the instance ends or the seconds have passed; return the last answer."""
        last = Answer(status=0, body="nothing was asked")

        def ask() -> Answer | None:
            nonlocal last
            last = self.ask(request)
            return last if last.is_good or self._has_ended() else None

        self._poll(ask, seconds - (self._clock.monotonic() - self._started))
        if last.is_good:
            self.boot_seconds = self._clock.monotonic() - self._started
        return last

    def drain(self, requests: Sequence[Request]) -> Drained:
        """Send SIGTERM while requests are in flight, and return what became of them and of the instance."""
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

    def ending(self, within_seconds: float = 0.0) -> Ending | None:
        """Return how it ended by itself; None while it runs."""
        if not self._poll(lambda: self._has_ended() or None, within_seconds):
            return None
        seconds = self._clock.monotonic() - self._started
        return Ending(code=self._exit_code(), seconds=round(seconds, 3))

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

    def _warm(self, request: Request) -> Exchange:
        """Return a connection that the service has accepted and served: what follows on it was let in before."""
        exchange = Exchange(self.address, self._clock, timeout_seconds=self._drain_seconds + 1)
        exchange.ask(Request(path=request.path) if not request.body else Request(path="/"))
        return exchange

    def _begin_all(self, flights: Mapping[Exchange, Request]) -> None:
        """Send all requests, those with a body first: what is answered at once goes out right before the signal."""
        slow = [exchange for exchange, request in flights.items() if request.body]
        quick = [exchange for exchange in flights if exchange not in slow]
        for exchange in (*slow, *quick):
            exchange.begin(flights[exchange])
        for exchange in quick[:1]:
            # Its first byte shows that the service has come to read what was sent.
            exchange.wait_for_bytes(self._drain_seconds)

    def _stop(self) -> Ending:
        begun = self._clock.monotonic()
        self._host.stop(self.name, drain_seconds=self._drain_seconds)
        seconds = self._clock.monotonic() - begun
        return Ending(code=self._exit_code(), seconds=round(seconds, 3))

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
