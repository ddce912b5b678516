"""Fastly's own loop in the leader's process: its answers take seconds, and nothing else shall wait for them."""

from __future__ import annotations

from collections.abc import Callable

from handshake.control.leader.fastly import FastlyEdge
from handshake.control.leader.leadership import Leadership
from handshake.control.live import LivePolicy
from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError
from handshake.core.outcome import Outcome

_FIRST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 300.0


class FastlyCycle:
    """Lets Fastly follow while this process leads; whatever fails is tried again with growing pauses."""

    def __init__(
        self,
        *,
        leadership: Leadership,
        clock: Clock,
        edge: FastlyEdge,
        read_live: Callable[[], LivePolicy | None],
    ) -> None:
        self._leadership = leadership
        self._clock = clock
        self._edge = edge
        self._read_live = read_live
        self._pause = 0.0
        self._not_before = 0.0
        self._said = ""

    def cycle(self) -> Outcome:
        """Do what can be done now."""
        if not self._leadership.is_held:
            return Outcome(sentence="another process leads", changed=False)
        if self._clock.monotonic() < self._not_before:
            return Outcome(sentence=self._said, changed=False)
        try:
            live = self._read_live()
            outcome = (
                self._edge.cycle(live)
                if live
                else Outcome(sentence="no policy was applied yet", changed=False)
            )
        except HandshakeError as error:
            return self._pause_after(error)
        self._pause = 0.0
        return outcome

    def _pause_after(self, error: HandshakeError) -> Outcome:
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._not_before = self._clock.monotonic() + self._pause
        self._said = "; ".join(filter(None, (f"nothing changed: {error.what}", error.details, error.hint)))
        return Outcome(sentence=self._said, changed=False)
