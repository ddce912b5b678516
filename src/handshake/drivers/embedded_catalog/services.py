"""Services: the endpoints that are registered. Registering the same again changes nothing, not even an index."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from handshake.drivers.embedded_catalog import checks
from handshake.drivers.embedded_catalog.checks import CheckDefinition, check_topic
from handshake.drivers.embedded_catalog.fields import UnknownError
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.writer import Change

ALL_SERVICES = Topic(text="service/", is_prefix=True)
_COLUMNS = "id, name, definition, create_index, modify_index"


@dataclass(frozen=True, kw_only=True)
class ServiceDefinition:
    """What a client says about one endpoint of a service."""

    id: str
    name: str
    address: str = ""
    port: int = 0
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    weight_passing: int = 1
    weight_warning: int = 1
    enable_tag_override: bool = False


@dataclass(frozen=True, kw_only=True)
class Service:
    """One registered endpoint."""

    definition: ServiceDefinition
    create_index: int
    modify_index: int


def service_topic(name: str) -> Topic:
    """Return what changes when an endpoint of the service comes, goes or is described again."""
    return Topic(text=ALL_SERVICES.text + name)


def read_services(db: sqlite3.Connection) -> list[Service]:
    """Return every endpoint, ordered by id."""
    return [_service(row) for row in db.execute(f"SELECT {_COLUMNS} FROM services ORDER BY id")]  # noqa: S608 -- a constant


def read_service(db: sqlite3.Connection, service_id: str) -> Service | None:
    """Return the endpoint, if it is registered."""
    row = db.execute(f"SELECT {_COLUMNS} FROM services WHERE id = ?", (service_id,)).fetchone()  # noqa: S608 -- a constant
    return _service(row) if row else None


def read_endpoints(db: sqlite3.Connection, name: str) -> list[Service]:
    """Return the endpoints of one service, ordered by id."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM services WHERE name = ? ORDER BY id",  # noqa: S608 -- a constant
        (name,),
    )
    return [_service(row) for row in rows]


def register(
    change: Change,
    definition: ServiceDefinition,
    wanted_checks: list[CheckDefinition],
    *,
    replace_checks: bool,
) -> None:
    """Let the endpoint and its checks stand as described; `replace_checks` removes the checks not described."""
    before = read_service(change.db, definition.id)
    if before is None or before.definition != definition:
        _store(change, definition, before)
    if replace_checks:
        keep = {check.id for check in wanted_checks}
        checks.remove_checks(change, definition, keep=keep)
    for check in wanted_checks:
        checks.add_check(change, definition, check)


def deregister(change: Change, service_id: str) -> None:
    """Remove the endpoint and its checks."""
    service = read_service(change.db, service_id)
    if service is None:
        raise UnknownError(
            f'Unknown service ID "{service_id}". Ensure that the service ID is passed, not the service name.'
        )
    checks.remove_checks(change, service.definition, keep=set())
    change.db.execute("DELETE FROM services WHERE id = ?", (service_id,))
    _note_departure(change, service.definition.name)


def _store(change: Change, definition: ServiceDefinition, before: Service | None) -> None:
    change.db.execute(
        "INSERT OR REPLACE INTO services VALUES (?, ?, ?, ?, ?)",
        (
            definition.id,
            definition.name,
            json.dumps(asdict(definition), sort_keys=True),
            before.create_index if before else change.index,
            change.index,
        ),
    )
    change.touch(service_topic(definition.name).text)
    if before and before.definition.name != definition.name:
        checks.move_checks(change, definition)
        _note_departure(change, before.definition.name)


def _note_departure(change: Change, name: str) -> None:
    topics = service_topic(name).text, check_topic(name).text
    for topic in topics:
        if read_endpoints(change.db, name):
            change.touch(topic)
        else:
            change.bury(topic)


def _service(row: tuple[str, str, str, int, int]) -> Service:
    _, _, definition, create_index, modify_index = row
    fields = json.loads(definition)
    fields["tags"] = tuple(fields["tags"])
    return Service(
        definition=ServiceDefinition(**fields), create_index=create_index, modify_index=modify_index
    )
