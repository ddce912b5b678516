"""Sessions: who may hold locks, and for how long without a sign of life."""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import dataclass
from enum import Enum

from handshake.drivers.embedded_catalog.fields import UnknownError, parse_duration
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.writer import Change, Timer

ALL_SESSIONS = Topic(text="session/", is_prefix=True)
_COLUMNS = "id, name, behavior, ttl, lock_delay, checks, create_index"


class Behavior(Enum):
    """What happens to the keys that a session has locked when it ends."""

    RELEASE = "release"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class SessionDraft:
    """What a client wants its session to be."""

    name: str
    behavior: Behavior
    ttl: str
    """A duration as the client wrote it; empty: it lives until destroyed."""
    lock_delay: float
    """Seconds for which nobody may lock what the session held when it ended."""
    checks: tuple[str, ...]
    """Ids of checks of services with which it ends when one turns critical."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session that lives."""

    id: str
    draft: SessionDraft
    create_index: int


def session_topic(session_id: str) -> Topic:
    """Return what changes when the session begins or ends."""
    return Topic(text=ALL_SESSIONS.text + session_id)


def read_session(db: sqlite3.Connection, session_id: str) -> Session | None:
    """Return the session, if it lives."""
    row = db.execute(f"SELECT {_COLUMNS} FROM sessions WHERE id = ?", (session_id,)).fetchone()  # noqa: S608 -- a constant
    return _session(row) if row else None


def read_sessions(db: sqlite3.Connection) -> list[Session]:
    """Return every session that lives."""
    return [_session(row) for row in db.execute(f"SELECT {_COLUMNS} FROM sessions ORDER BY id")]  # noqa: S608 -- a constant


def create_session(change: Change, draft: SessionDraft) -> Session:
    """Begin a session."""
    session = Session(id=str(uuid.uuid4()), draft=draft, create_index=change.index)
    change.db.execute(
        "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            session.id,
            draft.name,
            draft.behavior.value,
            draft.ttl,
            draft.lock_delay,
            json.dumps(draft.checks),
            session.create_index,
        ),
    )
    change.touch(session_topic(session.id).text)
    start_ttl(change, session)
    return session


def renew_session(change: Change, session_id: str) -> Session:
    """Begin the session's TTL again."""
    session = read_session(change.db, session_id)
    if session is None:
        raise UnknownError(f"Session id '{session_id}' not found")
    start_ttl(change, session)
    return session


def start_ttl(change: Change, session: Session) -> None:
    """Let the session end one TTL from now."""
    if session.draft.ttl:
        due = change.now + parse_duration(session.draft.ttl, name="TTL")
        change.deadlines.set(Timer.SESSION, session.id, due)


def _session(row: tuple[str, str, str, str, float, str, int]) -> Session:
    session_id, name, behavior, ttl, lock_delay, checks, create_index = row
    draft = SessionDraft(
        name=name,
        behavior=Behavior(behavior),
        ttl=ttl,
        lock_delay=lock_delay,
        checks=tuple(json.loads(checks)),
    )
    return Session(id=session_id, draft=draft, create_index=create_index)
