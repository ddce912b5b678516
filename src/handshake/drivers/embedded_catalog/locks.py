"""Locks: a key that a session holds, and what happens to it when the session ends."""

from __future__ import annotations

from dataclasses import replace

from handshake.drivers.embedded_catalog import kv
from handshake.drivers.embedded_catalog.fields import MalformedError
from handshake.drivers.embedded_catalog.kv import KVDraft, KVEntry
from handshake.drivers.embedded_catalog.sessions import (
    Behavior,
    Session,
    read_session,
    read_sessions,
    session_topic,
)
from handshake.drivers.embedded_catalog.writer import Change, Timer


def acquire(change: Change, draft: KVDraft, session_id: str) -> KVEntry | None:
    """Lock the key for the session and put the draft; None: another holds it, or its lock-delay runs."""
    if read_session(change.db, session_id) is None:
        raise MalformedError(f'invalid session "{session_id}"')
    if is_delayed(change, draft.key):
        return None
    wanted = kv.drafted(change, draft)
    if wanted.session == session_id:
        return kv.store(change, wanted)
    if wanted.session:
        return None
    return kv.store(change, replace(wanted, session=session_id, lock_index=wanted.lock_index + 1))


def release(change: Change, draft: KVDraft, session_id: str) -> KVEntry | None:
    """Put the draft and give the lock up; None: the session does not hold it."""
    if not session_id:
        raise MalformedError("missing session")
    wanted = kv.drafted(change, draft)
    return kv.store(change, replace(wanted, session="")) if wanted.session == session_id else None


def is_delayed(change: Change, key: str) -> bool:
    """Return whether the key was lost by a session so recently that nobody may lock it yet."""
    return change.deadlines.is_running(Timer.LOCK_DELAY, key, change.now)


def end_session(change: Change, session_id: str) -> None:
    """End the session, if it lives, and free what it held as its behaviour says."""
    session = read_session(change.db, session_id)
    if session is None:
        return
    for entry in kv.read_held(change.db, session.id):
        _free(change, session, entry)
    change.db.execute("DELETE FROM sessions WHERE id = ?", (session.id,))
    change.bury(session_topic(session.id).text)
    change.deadlines.drop(Timer.SESSION, session.id)


def end_sessions_of_check(change: Change, check_id: str) -> None:
    """End the sessions that live only as long as this check is not critical."""
    for session in read_sessions(change.db):
        if check_id in session.draft.checks:
            end_session(change, session.id)


def _free(change: Change, session: Session, entry: KVEntry) -> None:
    if session.draft.behavior is Behavior.DELETE:
        kv.delete(change, entry.key)
    else:
        kv.store(change, replace(entry, session=""))
    if session.draft.lock_delay:
        change.deadlines.set(Timer.LOCK_DELAY, entry.key, change.now + session.draft.lock_delay)
