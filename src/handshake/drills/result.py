"""What became of a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """Why a request failed, by what the client saw of it."""

    NONE = "none"
    CONNECT = "connect"
    """No connection came about."""
    RESET = "reset"
    """The connection was torn down before the answer was complete."""
    EOF = "eof"
    """The connection ended in good order before the answer was complete."""
    TIMEOUT = "timeout"
    """The answer was not complete in time."""
    STATUS = "status"
    """A complete answer with another status than the expected ones."""
    BODY = "body"
    """An expected status with a body that is not what it should be, or bytes that are no HTTP."""


class FailedError(Exception):
    """A request got no complete answer."""

    def __init__(self, failure: Failure, detail: str) -> None:
        self.failure = failure
        self.detail = detail
        super().__init__(f"{failure}: {detail}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One request and what became of it. Moments are on the machine's monotonic clock, all processes' alike."""

    kind: str
    started_at: float
    """When it was due, or when it was begun if the timer went off a little early."""
    late_seconds: float
    """How long after that the load began it: the load's own fault, and part of the latency."""
    latency_seconds: float
    """From `started_at` until the answer was complete or the request had failed."""
    status: int
    """0 where no answer came."""
    size_bytes: int
    """The size of the answer's body."""
    failure: Failure
    detail: str = ""
    key: str = ""
    """The idempotency key that was sent."""
    donation_id: str = ""
    """The id on the receipt, where one was expected and came."""

    @property
    def is_good(self) -> bool:
        """Whether the answer was the expected one."""
        return self.failure is Failure.NONE

    @property
    def ended_at(self) -> float:
        """When the visitor knew what became of it."""
        return self.started_at + self.latency_seconds
