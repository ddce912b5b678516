"""Requests, parsed on arrival: registrations, sessions, transactions."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from handshake.drivers.embedded_catalog.checks import CheckDefinition, Status
from handshake.drivers.embedded_catalog.fields import (
    UNSIGNED_64,
    Fields,
    MalformedError,
    OversizedError,
    parse_duration,
    parse_json,
)
from handshake.drivers.embedded_catalog.kv import KVDraft
from handshake.drivers.embedded_catalog.services import ServiceDefinition
from handshake.drivers.embedded_catalog.sessions import Behavior, SessionDraft
from handshake.drivers.embedded_catalog.transactions import Operation, Verb

VALUE_LIMIT = 512 * 1024
NODE_CHECK = "serfHealth"

_OPERATIONS_LIMIT = 128
_SESSION_TTL_SECONDS = 10, 86400
_DEFAULT_LOCK_DELAY = 15.0
_MOST_LOCK_DELAY = 60.0
_LEAST_DEREGISTER_AFTER = 60.0
_NUMBERS_BELOW_ARE_SECONDS = 1000
_FOREIGN_CHECKS = (
    "HTTP",
    "TCP",
    "UDP",
    "GRPC",
    "Script",
    "Args",
    "DockerContainerID",
    "AliasService",
    "H2PING",
)
_FOREIGN_OPERATIONS = ("Node", "Service", "Check", "Session")


def parse_service(body: bytes) -> tuple[ServiceDefinition, list[CheckDefinition]]:
    """Return what the body of a registration describes."""
    fields = Fields(parse_json(body), where="service")
    name = fields.required_text("Name")
    weights = fields.inner("Weights")
    definition = ServiceDefinition(
        id=fields.text("ID") or name,
        name=name,
        address=fields.text("Address"),
        port=fields.number("Port", most=65535),
        tags=fields.texts("Tags"),
        meta=fields.mapping("Meta"),
        weight_passing=weights.number("Passing", default=1, most=65535),
        weight_warning=weights.number("Warning", default=1, most=65535),
        enable_tag_override=fields.flag("EnableTagOverride"),
    )
    return definition, _parse_checks(fields, definition)


def parse_status(text: str) -> Status:
    """Return the status of that name."""
    try:
        return Status(text)
    except ValueError:
        raise MalformedError(
            f"Invalid check status {text!r}: it must be passing, warning or critical"
        ) from None


def parse_session(body: bytes) -> SessionDraft:
    """Return what the body of a session's creation describes; no body is a session with every default."""
    fields = Fields(parse_json(body), where="session")
    behavior = fields.text("Behavior") or Behavior.RELEASE.value
    if behavior not in {known.value for known in Behavior}:
        raise MalformedError(f"Invalid Behavior {behavior!r}: it must be release or delete")
    checks = fields.texts("Checks") + tuple(
        check.required_text("ID") for check in fields.several("ServiceChecks")
    )
    return SessionDraft(
        name=fields.text("Name"),
        behavior=Behavior(behavior),
        ttl=_parse_ttl(fields.text("TTL")),
        lock_delay=_parse_lock_delay(fields),
        checks=tuple(check for check in checks if check != NODE_CHECK),
    )


def parse_operations(body: bytes) -> list[Operation]:
    """Return the operations of a transaction."""
    content = parse_json(body)
    if not isinstance(content, list):
        raise MalformedError("A transaction must be a JSON list of operations")
    if len(content) > _OPERATIONS_LIMIT:
        raise OversizedError(
            f"Transaction contains too many operations ({len(content)} > {_OPERATIONS_LIMIT})"
        )
    return [_parse_operation(item, where=f"operation {position}") for position, item in enumerate(content)]


def require_value_fits(key: str, value: bytes) -> None:
    """Refuse a value that is larger than a key may hold."""
    if len(value) > VALUE_LIMIT:
        raise OversizedError(f'Value for key "{key}" is too large ({len(value)} > {VALUE_LIMIT} bytes)')


def _parse_checks(fields: Fields, service: ServiceDefinition) -> list[CheckDefinition]:
    described = ([fields.inner("Check")] if fields.has("Check") else []) + fields.several("Checks")
    single = len(described) == 1
    return [
        _parse_check(check, service, default_id=f"service:{service.id}" + ("" if single else f":{position}"))
        for position, check in enumerate(described, start=1)
    ]


def _parse_check(fields: Fields, service: ServiceDefinition, *, default_id: str) -> CheckDefinition:
    for kind in _FOREIGN_CHECKS:
        if fields.raw(kind):
            raise MalformedError(
                f"Check {default_id}: this catalogue runs no {kind} checks itself, only TTL checks"
            )
    if not fields.text("TTL"):
        raise MalformedError(f"Check {default_id}: TTL must be given, such as '10s'")
    ttl = parse_duration(fields.text("TTL"), name="TTL")
    if not ttl:
        raise MalformedError(f"Check {default_id}: TTL must be longer than 0")
    return CheckDefinition(
        id=fields.text("CheckID") or fields.text("ID") or default_id,
        name=fields.text("Name") or f"Service '{service.name}' check",
        notes=fields.text("Notes"),
        ttl=ttl,
        deregister_after=_parse_deregister_after(fields.text("DeregisterCriticalServiceAfter")),
        initial=parse_status(fields.text("Status") or Status.CRITICAL.value),
    )


def _parse_deregister_after(text: str) -> float:
    seconds = parse_duration(text, name="DeregisterCriticalServiceAfter") if text else 0
    return max(seconds, _LEAST_DEREGISTER_AFTER) if seconds else 0


def _parse_ttl(text: str) -> str:
    seconds = parse_duration(text, name="TTL") if text else 0
    least, most = _SESSION_TTL_SECONDS
    if seconds and not least <= seconds <= most:
        raise MalformedError(f"Invalid Session TTL '{text}', must be between [{least}s={most // 3600}h]")
    return text if seconds else ""


def _parse_lock_delay(fields: Fields) -> float:
    """Return seconds from a duration, or from a number as Consul reads it: seconds if small, else nanoseconds."""
    value = fields.raw("LockDelay")
    if value == "":
        return _DEFAULT_LOCK_DELAY
    if isinstance(value, str):
        seconds = parse_duration(value, name="LockDelay")
    else:
        number = fields.number("LockDelay")
        seconds = float(number) if number < _NUMBERS_BELOW_ARE_SECONDS else number / 1e9
    return min(seconds, _MOST_LOCK_DELAY)


def _parse_operation(item: object, *, where: str) -> Operation:
    outer = Fields(item, where=where)
    for kind in _FOREIGN_OPERATIONS:
        if outer.has(kind):
            raise MalformedError(
                f"{where}: this catalogue's transactions hold KV operations only, not {kind}"
            )
    fields = outer.inner("KV")
    return Operation(
        verb=_parse_verb(fields.text("Verb"), where=where),
        draft=KVDraft(key=_parse_key(fields), value=_parse_value(fields), flags=fields.number("Flags")),
        index=fields.number("Index", most=UNSIGNED_64),
        session=fields.text("Session"),
    )


def _parse_verb(text: str, *, where: str) -> Verb:
    try:
        return Verb(text)
    except ValueError:
        known = ", ".join(verb.value for verb in Verb)
        raise MalformedError(f"{where}: unknown KV verb {text!r}; known are {known}") from None


def _parse_key(fields: Fields) -> str:
    if fields.text("Verb") in {Verb.GET_TREE.value, Verb.DELETE_TREE.value}:
        return fields.text("Key")
    return fields.required_text("Key")


def _parse_value(fields: Fields) -> bytes:
    key = fields.text("Key")
    try:
        value = base64.b64decode(fields.text("Value"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(f'Value for key "{key}" is not base64: {error}') from error
    require_value_fits(key, value)
    return value


# What every route takes from a request: its body, its path's key, its presence flags.

DATACENTER = "dc1"
"""The one datacenter that there is."""

_UNSUPPORTED = "filter", "node-meta"


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the body; refuse it as soon as it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise OversizedError(f"Request body too large, max size: {limit} bytes")
    return bytes(body)


def path_text(request: Request, *, after: str) -> str:
    """Return the decoded rest of the path; unlike the framework, refuse bytes that are no UTF-8."""
    path: bytes = request.scope["raw_path"]
    if not path.startswith(after.encode()):
        raise MalformedError(f"The path must begin with {after}, written without escapes")
    try:
        return unquote_to_bytes(path.removeprefix(after.encode())).decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"The path is not UTF-8: {error}") from error


def is_set(request: Request, name: str) -> bool:
    """Return whether a flag such as `?recurse` is given; `?recurse=false` is not."""
    return request.query_params.get(name, "false") not in {"false", "0"}


def refuse_unsupported(request: Request) -> None:
    """Refuse what would choose among the results: an answer that ignored it would be a wrong one."""
    for name in _UNSUPPORTED:
        if request.query_params.get(name):
            raise MalformedError(f"This catalogue does not support ?{name}=")
    datacenter = request.query_params.get("dc") or DATACENTER
    if datacenter != DATACENTER:
        raise MalformedError(f"No path to datacenter {datacenter!r}: this catalogue has only {DATACENTER!r}")
