"""Checks: the known health of endpoints. Their owners report; silence longer than the TTL is critical."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Protocol

from handshake.drivers.embedded_catalog.fields import MalformedError, UnknownError
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.locks import end_sessions_of_check
from handshake.drivers.embedded_catalog.writer import Change, Timer

ALL_CHECKS = Topic(text="check/", is_prefix=True)
_SELECT = """
SELECT checks.id, service_id, services.name, checks.definition, services.definition, status, output,
       checks.create_index, checks.modify_index
FROM checks JOIN services ON services.id = service_id
"""


class Status(Enum):
    """What a check says."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class CheckDefinition:
    """What a client says about one check."""

    id: str
    name: str
    notes: str
    ttl: float
    """Seconds after which silence is critical."""
    deregister_after: float
    """Seconds of being critical after which the service is deregistered; 0: never."""
    initial: Status


@dataclass(frozen=True, kw_only=True)
class Check:
    """One registered check."""

    definition: CheckDefinition
    service_id: str
    service_name: str
    service_tags: tuple[str, ...]
    status: Status
    output: str
    create_index: int
    modify_index: int


class Owner(Protocol):
    """The endpoint that a check is about."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def name(self) -> str:
        """Its service's name."""


def check_topic(service_name: str) -> Topic:
    """Return what changes when a check of the service does."""
    return Topic(text=ALL_CHECKS.text + service_name)


def read_check(db: sqlite3.Connection, check_id: str) -> Check | None:
    """Return the check, if it is registered."""
    row = db.execute(f"{_SELECT} WHERE checks.id = ?", (check_id,)).fetchone()
    return _check(row) if row else None


def read_checks(db: sqlite3.Connection) -> list[Check]:
    """Return every check, ordered by id."""
    return [_check(row) for row in db.execute(f"{_SELECT} ORDER BY checks.id")]


def read_checks_of(db: sqlite3.Connection, service_name: str) -> list[Check]:
    """Return the checks of a service's endpoints, ordered by id."""
    rows = db.execute(f"{_SELECT} WHERE services.name = ? ORDER BY checks.id", (service_name,))
    return [_check(row) for row in rows]


def add_check(change: Change, owner: Owner, definition: CheckDefinition) -> None:
    """Let the check stand as described; one that stood there keeps its status. Its TTL begins again."""
    before = read_check(change.db, definition.id)
    status = before.status if before else definition.initial
    if before is None or before.definition != definition or before.service_id != owner.id:
        _store(change, owner, definition, before)
    _start_timers(change, definition, status, was=before.status if before else None)


def report(change: Change, check_id: str, status: Status, output: str) -> None:
    """Take down what a check says now. A new output alone is kept, but moves no index and wakes nobody."""
    check = read_check(change.db, check_id)
    if check is None:
        raise UnknownError(
            f'Unknown check ID "{check_id}". Ensure that the check ID is passed, not the check name.'
        )
    if output != check.output:
        change.db.execute("UPDATE checks SET output = ? WHERE id = ?", (output, check_id))
    if status is not check.status:
        _set_status(change, check, status)
    _start_timers(change, check.definition, status, was=check.status)


def lapse(change: Change, check_id: str) -> None:
    """Turn a check critical whose TTL has passed in silence."""
    check = read_check(change.db, check_id)
    if check is None or check.status is Status.CRITICAL:
        return
    last = f" (last output before timeout follows): {check.output}" if check.output else ""
    report(change, check_id, Status.CRITICAL, f"TTL expired{last}")
    change.deadlines.drop(Timer.CHECK, check_id)


def require_not_critical(change: Change, check_ids: tuple[str, ...]) -> None:
    """Refuse ids of which no session could live: unknown checks, and critical ones."""
    for check_id in check_ids:
        check = read_check(change.db, check_id)
        if check is None:
            raise MalformedError(f"Missing check '{check_id}' registration")
        if check.status is Status.CRITICAL:
            raise MalformedError(f"Check '{check_id}' is in critical state")


def remove_checks(change: Change, owner: Owner, *, keep: set[str]) -> None:
    """Remove the checks of an endpoint but for those whose id is to be kept."""
    rows = change.db.execute("SELECT id FROM checks WHERE service_id = ?", (owner.id,)).fetchall()
    for check_id in {row[0] for row in rows} - keep:
        change.db.execute("DELETE FROM checks WHERE id = ?", (check_id,))
        change.deadlines.drop(Timer.CHECK, check_id)
        change.deadlines.drop(Timer.CRITICAL, check_id)
        change.touch(check_topic(owner.name).text)
        end_sessions_of_check(change, check_id)


def move_checks(change: Change, owner: Owner) -> None:
    """Note that an endpoint's checks belong to a service of another name now."""
    change.db.execute("UPDATE checks SET modify_index = ? WHERE service_id = ?", (change.index, owner.id))
    change.touch(check_topic(owner.name).text)


def start_timers(change: Change, check: Check) -> None:
    """Begin the timers of a check again, as at the start of the process."""
    _start_timers(change, check.definition, check.status, was=None)


def _start_timers(change: Change, definition: CheckDefinition, status: Status, *, was: Status | None) -> None:
    change.deadlines.set(Timer.CHECK, definition.id, change.now + definition.ttl)
    if status is not Status.CRITICAL or not definition.deregister_after:
        change.deadlines.drop(Timer.CRITICAL, definition.id)
    elif was is not Status.CRITICAL:
        change.deadlines.set(Timer.CRITICAL, definition.id, change.now + definition.deregister_after)


def _set_status(change: Change, check: Check, status: Status) -> None:
    change.db.execute(
        "UPDATE checks SET status = ?, modify_index = ? WHERE id = ?",
        (status.value, change.index, check.definition.id),
    )
    change.touch(check_topic(check.service_name).text)
    if status is Status.CRITICAL:
        end_sessions_of_check(change, check.definition.id)


def _store(change: Change, owner: Owner, definition: CheckDefinition, before: Check | None) -> None:
    fields = asdict(definition) | {"initial": definition.initial.value}
    change.db.execute(
        "INSERT OR REPLACE INTO checks VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            definition.id,
            owner.id,
            json.dumps(fields, sort_keys=True),
            (before.status if before else definition.initial).value,
            before.output if before else "",
            before.create_index if before else change.index,
            change.index,
        ),
    )
    change.touch(check_topic(owner.name).text)
    if before and before.service_name != owner.name:
        change.touch(check_topic(before.service_name).text)


def _check(row: tuple[str, str, str, str, str, str, str, int, int]) -> Check:
    _, service_id, service_name, definition, service, status, output, create_index, modify_index = row
    fields = json.loads(definition)
    fields["initial"] = Status(fields["initial"])
    return Check(
        definition=CheckDefinition(**fields),
        service_id=service_id,
        service_name=service_name,
        service_tags=tuple(json.loads(service)["tags"]),
        status=Status(status),
        output=output,
        create_index=create_index,
        modify_index=modify_index,
    )
