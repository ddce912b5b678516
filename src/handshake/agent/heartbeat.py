"""Heartbeat: a node's record that it is alive, held by a session, with its clock offset."""

from __future__ import annotations

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Snapshot
from handshake.catalog.keys import node_key
from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError
from handshake.core.outcome import Outcome
from handshake.fleet.instances.launch import Limiter
from handshake.fleet.nodes import NodeRecord

SESSION_SECONDS = 10.0
PRESENCE_SECONDS = 3.0
"""How often the record is renewed."""


class Heartbeat:
    """Records that this node is alive. Call `cycle` at least every PRESENCE_SECONDS, and on changes of nodes."""

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        *,
        node: str,
        address: str,
        is_home: bool,
        limited_by: Limiter = Limiter.UNKNOWN,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._node = node
        self._address = address
        self._is_home = is_home
        self._limited_by = limited_by
        self._session = ""
        self._said_at = float("-inf")
        self._home_at = 0.0
        self._ahead_seconds = 0.0

    def cycle(self, words: Snapshot | None) -> Outcome:
        """Compare clocks where the home node has just spoken; renew the own word where that is due.

        `words` is what lies under `nodes/`, None if that could not be read yet.
        """
        self._compare_clocks(words)
        now = self._clock.monotonic()
        if now - self._said_at < PRESENCE_SECONDS:
            return Outcome(sentence=f"{self._node} is registered", changed=False)
        if not self._speak():
            return Outcome(
                sentence=f"waits for the previous session of {self._node} to expire", changed=False
            )
        self._said_at = now
        return Outcome(sentence=f"{self._node} is registered", changed=False)

    def give_up(self) -> None:
        """Say that this node's agent ends, so that nobody need wait for the session's end."""
        if not self._session:
            return
        try:
            self._catalog.close_session(self._session)
        except HandshakeError:
            return

    def _speak(self) -> bool:
        if not self._session or not self._catalog.renew_session(self._session):
            self._end_earlier_word()
            self._session = self._catalog.open_session(f"node {self._node}", SESSION_SECONDS)
        record = NodeRecord(
            name=self._node,
            address=self._address,
            is_home=self._is_home,
            at=self._clock.now(),
            ahead_seconds=round(self._ahead_seconds, 2),
            limited_by=self._limited_by,
        )
        return self._catalog.acquire(node_key(self._node), encode(record), self._session)

    def _end_earlier_word(self) -> None:
        """End the session of an agent that was killed: it spoke for this same node."""
        entry = self._catalog.get(node_key(self._node))
        if entry and entry.session:
            self._catalog.close_session(entry.session)

    def _compare_clocks(self, words: Snapshot | None) -> None:
        """The feed brings a word within milliseconds, so its stamp against the own clock is the clocks' difference.

        The first word that is seen may have been said long ago and tells nothing.
        """
        home_at = _home_moment(words)
        if self._home_at and home_at != self._home_at:
            self._ahead_seconds = 0.0 if self._is_home else self._clock.now() - home_at
        self._home_at = home_at


def _home_moment(snapshot: Snapshot | None) -> float:
    records = (decode(NodeRecord, entry.value) for entry in (snapshot.entries if snapshot else ()))
    return next((record.at for record in records if record.is_home), 0.0)
