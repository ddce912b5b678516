"""Sessions, their locks, and what time does to both."""

import pytest

from handshake.drivers.embedded_catalog import kv, locks
from handshake.drivers.embedded_catalog.fields import MalformedError, UnknownError
from handshake.drivers.embedded_catalog.kv import KVDraft, KVEntry, key_topic
from handshake.drivers.embedded_catalog.sessions import (
    ALL_SESSIONS,
    Behavior,
    SessionDraft,
    create_session,
    read_session,
    renew_session,
)
from tests.unit.embedded_catalog.turns import Turns

LEADER = KVDraft(key="leader", value=b"me", flags=0)


def begin(
    turns: Turns, *, ttl: str = "", lock_delay: float = 0, behavior: Behavior = Behavior.RELEASE
) -> str:
    draft = SessionDraft(name="", behavior=behavior, ttl=ttl, lock_delay=lock_delay, checks=())
    return turns.write(lambda change: create_session(change, draft)).id


def acquire(turns: Turns, session: str) -> KVEntry | None:
    return turns.write(lambda change: locks.acquire(change, LEADER, session))


def release(turns: Turns, session: str) -> KVEntry | None:
    return turns.write(lambda change: locks.release(change, LEADER, session))


def end(turns: Turns, session: str) -> None:
    turns.write(lambda change: locks.end_session(change, session))


def lives(turns: Turns, session: str) -> bool:
    return turns.read(lambda db: read_session(db, session)) is not None


def holder(turns: Turns) -> str | None:
    entry = turns.read(lambda db: kv.read_entry(db, LEADER.key))
    return entry.session if entry else None


def test_one_session_holds_a_lock(turns: Turns) -> None:
    """While one session holds a lock, another cannot take it; once released, it can."""
    first, second = begin(turns), begin(turns)
    assert acquire(turns, first) is not None
    assert acquire(turns, second) is None
    assert release(turns, second) is None
    assert release(turns, first) is not None
    assert acquire(turns, second) is not None
    assert holder(turns) == second


def test_lock_index_counts_acquisitions(turns: Turns) -> None:
    """The lock index grows with each new holding, not when the holder writes again or lets go."""
    session = begin(turns)
    entries = [
        acquire(turns, session),
        acquire(turns, session),
        release(turns, session),
        acquire(turns, session),
    ]
    assert [entry.lock_index for entry in entries if entry] == [1, 1, 1, 2]


def test_a_plain_write_leaves_the_lock(turns: Turns) -> None:
    """Locks are advisory: anybody may write the key, and the holder stays."""
    session = begin(turns)
    acquire(turns, session)
    turns.write(lambda change: kv.put(change, KVDraft(key=LEADER.key, value=b"other", flags=0)))
    assert holder(turns) == session


def test_a_session_that_does_not_live_cannot_lock(turns: Turns) -> None:
    """Locking for an unknown session, or unlocking for none, is refused with a sentence."""
    with pytest.raises(MalformedError, match='invalid session "nobody"'):
        acquire(turns, "nobody")
    with pytest.raises(MalformedError, match="missing session"):
        release(turns, "")


def test_the_end_of_a_session_frees_its_locks(turns: Turns) -> None:
    """A destroyed session's key stands unlocked with a later modify index, so that watchers wake."""
    session = begin(turns)
    acquire(turns, session)
    before = turns.index(key_topic(LEADER.key))
    end(turns, session)
    assert holder(turns) == ""
    assert turns.index(key_topic(LEADER.key)) > before


def test_an_ephemeral_key_ends_with_its_session(turns: Turns) -> None:
    """With the behaviour delete, a session's key is gone when the session is."""
    session = begin(turns, behavior=Behavior.DELETE)
    acquire(turns, session)
    end(turns, session)
    assert holder(turns) is None


def test_a_silent_session_ends_after_its_ttl(turns: Turns) -> None:
    """A session with a TTL lives for all of it, and no longer when nobody renews it."""
    session = begin(turns, ttl="10s")
    acquire(turns, session)
    turns.wait(9.9)
    assert lives(turns, session)
    turns.wait(0.2)
    assert not lives(turns, session)
    assert holder(turns) == ""


def test_renewal_begins_the_ttl_anew(turns: Turns) -> None:
    """A renewed session lives one TTL from the renewal, and a renewal is no change that wakes anyone."""
    session = begin(turns, ttl="10s")
    before = turns.index(ALL_SESSIONS)
    turns.wait(9)
    turns.write(lambda change: renew_session(change, session))
    turns.wait(9)
    assert lives(turns, session)
    assert turns.index(ALL_SESSIONS) == before
    turns.wait(2)
    with pytest.raises(UnknownError, match=session):
        turns.write(lambda change: renew_session(change, session))


def test_a_session_without_ttl_never_ends_by_itself(turns: Turns) -> None:
    """Time ends no session that asked for no TTL."""
    session = begin(turns)
    turns.wait(1e6)
    assert lives(turns, session)


def test_lock_delay_keeps_others_off(turns: Turns) -> None:
    """What a session held when it ended cannot be locked until its lock-delay is over."""
    session, other = begin(turns, lock_delay=15), begin(turns)
    acquire(turns, session)
    end(turns, session)
    turns.wait(14)
    assert acquire(turns, other) is None
    turns.wait(1.5)
    assert acquire(turns, other) is not None


def test_a_release_starts_no_lock_delay(turns: Turns) -> None:
    """A lock that its holder gave up can be taken at once."""
    session, other = begin(turns, lock_delay=15), begin(turns)
    acquire(turns, session)
    release(turns, session)
    assert acquire(turns, other) is not None


def test_a_restart_keeps_locks_and_begins_ttls_anew(turns: Turns) -> None:
    """A restarted catalogue ends no session for the time that it was away."""
    session = begin(turns, ttl="10s")
    acquire(turns, session)
    turns.now += 60
    turns.restart()
    turns.wait(9)
    assert holder(turns) == session
    turns.wait(2)
    assert holder(turns) == ""
