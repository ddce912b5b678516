"""One request to an instance under test, on a connection that can be held in the middle of it."""

from __future__ import annotations

import http.client
import select

from handshake.core.clock import Clock
from handshake.image.shake.request import Answer, Request

TIMEOUT_SECONDS = 10.0
_BEGUN_SECONDS = 1.0
"""How long a service may take to say that it has begun to read a body."""


class Exchange:
    """A connection to one address, and at most one request under way on it."""

    def __init__(self, address: str, clock: Clock, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._clock = clock
        self._connection = http.client.HTTPConnection(address, timeout=timeout_seconds)
        self._rest = b""
        self._fault = ""
        self._begun = 0.0

    def ask(self, request: Request) -> Answer:
        """Send a request and return its answer."""
        self._begin(request, halves=1)
        return self.finish()

    def begin(self, request: Request) -> None:
        """Send a request, of a body only the first half, and go on once the service has begun to read it."""
        self._begin(request, halves=2)
        if self._rest:
            self.wait_for_bytes(_BEGUN_SECONDS)

    def wait_for_bytes(self, seconds: float) -> None:
        """Wait until the service has sent anything, or the seconds have passed."""
        if self._connection.sock and not self._fault:
            select.select([self._connection.sock], [], [], seconds)

    def finish(self) -> Answer:
        """Send what is left of the request under way and return its answer."""
        try:
            if not self._fault:
                if self._rest:
                    self._connection.send(self._rest)
                return self._read()
        except (OSError, http.client.HTTPException) as error:
            self._note(error)
        return Answer(status=0, body=self._fault, seconds=self._clock.monotonic() - self._begun)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _begin(self, request: Request, *, halves: int) -> None:
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

    def _send_head(self, request: Request, length: int) -> None:
        self._connection.putrequest(request.method, request.path)
        for name, value in request.headers.items():
            self._connection.putheader(name, value)
        if length:
            self._connection.putheader("Content-Length", str(length))
        if self._rest:
            # The service says so when it begins to read the body: then the request is truly in its hands.
            self._connection.putheader("Expect", "100-continue")
        self._connection.endheaders()

    def _read(self) -> Answer:
        answer = self._connection.getresponse()
        body = answer.read().decode(errors="replace")
        return Answer(
            status=answer.status,
            body=body,
            content_type=answer.headers.get("Content-Type", ""),
            seconds=self._clock.monotonic() - self._begun,
        )

    def _note(self, error: Exception) -> None:
        self._fault = f"{type(error).__name__}: {error}"
        self._connection.close()


def ask_once(address: str, clock: Clock, request: Request) -> Answer:
    """Send one request on a connection of its own and return its answer."""
    exchange = Exchange(address, clock)
    try:
        return exchange.ask(request)
    finally:
        exchange.close()
