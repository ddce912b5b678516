"""`Catalog` over Consul's HTTP API, with the py-consul client."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import requests
from consul.callback import CB
from consul.exceptions import ACLPermissionDenied, ClientError, ConsulException, NotFound
from consul.std import Consul

from handshake.catalog.entries import (
    CatalogEntry,
    CheckStatus,
    Delete,
    Endpoint,
    Endpoints,
    HeldLock,
    Operation,
    Put,
    Snapshot,
    Traffic,
    Write,
)
from handshake.core.errors import (
    ConflictError,
    HandshakeError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)

Answer = TypeVar("Answer")

_TRAFFIC = "handshake-traffic"
_NODE = "handshake-node"


class ConsulCatalog:
    """Keeps the Protocol of `handshake.catalog.catalog.Catalog`."""

    def __init__(self, *, host: str, port: int, credential: str) -> None:
        self._address = f"{host}:{port}"
        self._host = host
        self._port = port
        self._credential = credential
        self._clients = threading.local()

    def get(self, key: str) -> CatalogEntry | None:
        """Return one entry, None if the key does not exist."""
        _, found = self._read(lambda client: client.kv.get(key))
        return _to_entry(found) if found else None

    def read(self, prefix: str) -> Snapshot:
        """Return everything under a prefix, sorted by key."""
        return self.watch(prefix, 0, 0.0)

    def watch(self, prefix: str, index: int, wait_seconds: float) -> Snapshot:
        """Return what is under a prefix once it differs from what it was at `index`, or after the wait."""
        blocking = {"index": index, "wait": f"{int(wait_seconds * 1000)}ms"} if index else {}
        now, found = self._read(lambda client: client.kv.get(prefix, recurse=True, **blocking))
        entries = tuple(_to_entry(item) for item in found or ())
        return Snapshot(index=int(now), entries=tuple(sorted(entries, key=lambda entry: entry.key)))

    def transact(self, operations: Sequence[Operation]) -> None:
        """Carry out all operations or none; ConflictError where one does not hold."""
        body = json.dumps([{"KV": _to_verb(operation)} for operation in operations])

        def send(client: Consul) -> Any:
            # py-consul's own txn.put sends no credential.
            headers = client.prepare_headers(None)
            return client.http.put(CB.json(), "/v1/txn", headers=headers, data=body)

        self._write(send)

    def open_session(self, name: str, ttl_seconds: float) -> str:
        """Return a new session, which ends by itself unless it is renewed."""
        session: str = self._write(
            lambda client: client.session.create(name=name, ttl=int(ttl_seconds), lock_delay=1, checks=[])
        )
        return session

    def renew_session(self, session: str) -> bool:
        """Keep a session alive; False if it has ended."""
        try:
            return bool(self._write(lambda client: client.session.renew(session)))
        except RefusedError:
            return False

    def close_session(self, session: str) -> None:
        """End a session."""
        self._write(lambda client: client.session.destroy(session))

    def acquire(self, key: str, value: bytes, session: str) -> bool:
        """Take a key as a lock; False if another session holds it."""
        return bool(self._write(lambda client: client.kv.put(key, value, acquire=session)))

    def register(self, endpoint: Endpoint, ttl_seconds: float) -> None:
        """Make an endpoint known, or change it; idempotent."""
        check = {"CheckID": endpoint.id, "TTL": f"{ttl_seconds:g}s", "Status": CheckStatus.PASSING}
        self._write(
            lambda client: client.agent.service.register(
                endpoint.service,
                service_id=endpoint.id,
                address=endpoint.host,
                port=endpoint.port,
                meta={_TRAFFIC: endpoint.traffic, _NODE: endpoint.node},
                check=check,
            )
        )

    def deregister(self, endpoint_id: str) -> None:
        """Make an endpoint unknown; one that is unknown already is not an error."""
        self._write(lambda client: client.agent.service.deregister(endpoint_id))

    def report(self, endpoint_id: str, status: CheckStatus, note: str) -> None:
        """Refresh an endpoint's check."""
        verbs: dict[CheckStatus, Callable[[Any], Any]] = {
            CheckStatus.PASSING: lambda checks: checks.ttl_pass(endpoint_id, notes=note),
            CheckStatus.WARNING: lambda checks: checks.ttl_warn(endpoint_id, notes=note),
            CheckStatus.CRITICAL: lambda checks: checks.ttl_fail(endpoint_id, notes=note),
        }
        if not self._write(lambda client: verbs[status](client.agent.check)):
            raise RefusedError(f"the catalogue has no endpoint {endpoint_id}")

    def endpoints(self, service: str, index: int = 0, wait_seconds: float = 0.0) -> Endpoints:
        """Return a service's endpoints, waiting like `watch` where an index is given."""
        blocking = {"index": index, "wait": f"{int(wait_seconds * 1000)}ms"} if index else {}
        now, found = self._read(lambda client: client.health.service(service, **blocking))
        return Endpoints(index=int(now), endpoints=tuple(_to_endpoint(item) for item in found))

    def endpoints_index(self) -> int:
        """Return a number that is another one once any service's endpoint came, went or was described again."""
        now, _ = self._read(lambda client: client.catalog.services())
        return int(now)

    def _client(self) -> Consul:
        """Return this thread's own client: a requests session is not made for several threads."""
        if not hasattr(self._clients, "client"):
            client = Consul(host=self._host, port=self._port, token=self._credential, scheme="http")
            client.http.session.trust_env = False
            self._clients.client = client
        known: Consul = self._clients.client
        return known

    def _read(self, ask: Callable[[Consul], Answer]) -> Answer:
        try:
            return ask(self._client())
        except requests.RequestException as error:
            raise self._unavailable(error) from error
        except ConsulException as error:
            raise self._translate(error) from error

    def _write(self, ask: Callable[[Consul], Answer]) -> Answer:
        try:
            return ask(self._client())
        except requests.ConnectTimeout as error:
            raise self._unavailable(error) from error
        except requests.ConnectionError as error:
            if _never_connected(error):
                raise self._unavailable(error) from error
            raise self._outcome_unknown(error) from error
        except requests.RequestException as error:
            raise self._outcome_unknown(error) from error
        except ConsulException as error:
            raise self._translate(error) from error

    def _unavailable(self, error: Exception) -> HandshakeError:
        return UnavailableError(
            f"the catalogue at {self._address} does not answer",
            hint="Check that it is running; everything keeps serving without it.",
            details=str(error),
        )

    def _outcome_unknown(self, error: Exception) -> HandshakeError:
        return OutcomeUnknownError(
            f"the catalogue at {self._address} received a write and did not answer",
            hint="Check its state before trying again.",
            details=str(error),
        )

    def _translate(self, error: ConsulException) -> HandshakeError:
        if isinstance(error, NotFound):
            return RefusedError("the catalogue does not have it (any more)", details=str(error))
        if isinstance(error, ACLPermissionDenied):
            return RefusedError(
                "the catalogue does not accept this credential",
                hint="Run the command as the user who started the campaign.",
                details=str(error),
            )
        if isinstance(error, ClientError) and str(error).startswith("409"):
            return ConflictError(
                "it was changed in the meantime", hint="Read again, then decide again.", details=str(error)
            )
        if isinstance(error, ClientError):
            return RefusedError("the catalogue refuses the request", details=str(error))
        return UnavailableError(f"the catalogue at {self._address} fails", details=str(error))


def _never_connected(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return "NewConnectionError" in repr(getattr(cause, "reason", cause))


def _to_entry(item: dict[str, Any]) -> CatalogEntry:
    return CatalogEntry(
        key=item["Key"],
        value=item["Value"] or b"",
        index=item["ModifyIndex"],
        session=item.get("Session") or "",
    )


def _to_verb(operation: Operation) -> dict[str, Any]:
    match operation:
        case Put(key=key, value=value, if_index=index):
            return {"Verb": "cas", "Key": key, "Value": _base64(value), "Index": index}
        case Write(key=key, value=value):
            return {"Verb": "set", "Key": key, "Value": _base64(value)}
        case Delete(key=key):
            return {"Verb": "delete", "Key": key}
        case HeldLock(key=key, session=session):
            return {"Verb": "check-session", "Key": key, "Session": session}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _to_endpoint(item: dict[str, Any]) -> Endpoint:
    service = item["Service"]
    meta = service.get("Meta") or {}
    own = [check["Status"] for check in item.get("Checks", ()) if check["ServiceID"] == service["ID"]]
    return Endpoint(
        id=service["ID"],
        service=service["Service"],
        host=service["Address"],
        port=service["Port"],
        traffic=Traffic(meta.get(_TRAFFIC, Traffic.OPEN)),
        node=meta.get(_NODE, ""),
        revision=service["ModifyIndex"],
        status=CheckStatus(own[0]) if own else CheckStatus.PASSING,
    )
