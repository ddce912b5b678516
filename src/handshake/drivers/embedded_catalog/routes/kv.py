"""`/v1/kv`, `/v1/txn` and `/v1/session`: keys, transactions, and the sessions that hold locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog import kv, locks
from handshake.drivers.embedded_catalog.access import may_write
from handshake.drivers.embedded_catalog.catalog_server import CatalogServer
from handshake.drivers.embedded_catalog.checks import require_not_critical
from handshake.drivers.embedded_catalog.documents import (
    entry_document,
    failures_document,
    results_document,
    session_document,
)
from handshake.drivers.embedded_catalog.fields import (
    DeniedError,
    MalformedError,
    RolledBackError,
    parse_unsigned,
)
from handshake.drivers.embedded_catalog.kv import KVDraft, KVEntry
from handshake.drivers.embedded_catalog.locks import end_session
from handshake.drivers.embedded_catalog.requests import (
    VALUE_LIMIT,
    is_set,
    parse_operations,
    parse_session,
    path_text,
    read_body,
)
from handshake.drivers.embedded_catalog.sessions import (
    ALL_SESSIONS,
    Session,
    create_session,
    read_session,
    read_sessions,
    renew_session,
    session_topic,
)
from handshake.drivers.embedded_catalog.transactions import READS, transact
from handshake.drivers.embedded_catalog.writer import Change

_PREFIX = "/v1/kv/"
_EXCLUSIVE = "cas", "acquire", "release"


@dataclass(frozen=True)
class KVRoutes:
    """Reads and writes keys."""

    server: CatalogServer

    def routes(self) -> list[Route]:
        """Return what this area answers to."""
        path = "/v1/kv/{key:path}"
        return [
            Route(path, self.get, methods=["GET"]),
            Route(path, self.put, methods=["PUT"]),
            Route(path, self.delete, methods=["DELETE"]),
        ]

    async def get(self, request: Request) -> Response:
        """Answer with one entry, with a tree of entries, or with keys alone."""
        if is_set(request, "keys"):
            return await self._get_keys(request)
        if is_set(request, "recurse"):
            return await self._get_tree(request)
        return await self._get_entry(request)

    async def put(self, request: Request) -> Response:
        """Write one key: always, if its index is as expected, or with a lock taken or given up."""
        key = _required_key(request)
        parameters = request.query_params
        if sum(name in parameters for name in _EXCLUSIVE) > 1:
            raise MalformedError("Conflicting flags: at most one of cas, acquire and release can be given")
        flags = parse_unsigned(parameters, "flags")
        expected = parse_unsigned(parameters, "cas")
        draft = KVDraft(key=key, value=await read_body(request, limit=VALUE_LIMIT), flags=flags)

        def write(change: Change) -> KVEntry | None:
            if "cas" in parameters:
                return kv.check_and_set(change, draft, expected)
            if "acquire" in parameters:
                return locks.acquire(change, draft, parameters["acquire"])
            if "release" in parameters:
                return locks.release(change, draft, parameters["release"])
            return kv.put(change, draft)

        return JSONResponse(await self.server.write(write) is not None)

    async def delete(self, request: Request) -> Response:
        """Remove one key, one key if its index is as expected, or a tree."""
        parameters = request.query_params
        if is_set(request, "recurse"):
            if "cas" in parameters:
                raise MalformedError("Conflicting flags: at most one of cas and recurse can be given")
            prefix = path_text(request, after=_PREFIX)
            await self.server.write(lambda change: kv.delete_tree(change, prefix))
            return JSONResponse(content=True)
        key = _required_key(request)
        if "cas" in parameters:
            expected = parse_unsigned(parameters, "cas")
            return JSONResponse(
                await self.server.write(lambda change: kv.check_and_delete(change, key, expected))
            )
        await self.server.write(lambda change: kv.delete(change, key))
        return JSONResponse(content=True)

    async def _get_entry(self, request: Request) -> Response:
        key = _required_key(request)
        answer = await self.server.observe(
            request, kv.key_topic(key), question=lambda db: kv.read_entry(db, key)
        )
        entry = answer.content
        if entry is None:
            return Response(status_code=404, headers=answer.headers)
        if is_set(request, "raw"):
            return Response(entry.value, headers=answer.headers, media_type="application/octet-stream")
        return JSONResponse([entry_document(entry)], headers=answer.headers)

    async def _get_tree(self, request: Request) -> Response:
        prefix = path_text(request, after=_PREFIX)
        answer = await self.server.observe(
            request, kv.tree_topic(prefix), question=lambda db: kv.read_tree(db, prefix)
        )
        return _list_or_nothing([entry_document(entry) for entry in answer.content], answer.headers)

    async def _get_keys(self, request: Request) -> Response:
        prefix = path_text(request, after=_PREFIX)
        separator = request.query_params.get("separator", "")
        answer = await self.server.observe(
            request, kv.tree_topic(prefix), question=lambda db: kv.read_keys(db, prefix, separator)
        )
        return _list_or_nothing(answer.content, answer.headers)


def _list_or_nothing(content: Sequence[object], headers: dict[str, str]) -> Response:
    return JSONResponse(content, headers=headers) if content else Response(status_code=404, headers=headers)


def _required_key(request: Request) -> str:
    key = path_text(request, after=_PREFIX)
    if not key:
        raise MalformedError("Missing key name")
    return key


# `/v1/txn`: several operations on keys, together or not at all.


@dataclass(frozen=True)
class TransactionRoutes:
    """Applies transactions."""

    server: CatalogServer

    def routes(self) -> list[Route]:
        """Return what this area answers to."""
        return [Route("/v1/txn", self.put, methods=["PUT"])]

    async def put(self, request: Request) -> Response:
        """Apply the operations; a reader may send those that change nothing."""
        operations = parse_operations(await read_body(request, limit=VALUE_LIMIT))
        if not may_write(request) and any(operation.verb not in READS for operation in operations):
            raise DeniedError("Permission denied")
        try:
            results = await self.server.write(lambda change: transact(change, operations))
        except RolledBackError as rolled_back:
            return JSONResponse(failures_document(rolled_back.failures), status_code=409)
        return JSONResponse(results_document(results))


# `/v1/session`: who may hold locks.


@dataclass(frozen=True)
class SessionRoutes:
    """Begins, prolongs, ends and shows sessions."""

    server: CatalogServer

    def routes(self) -> list[Route]:
        """Return what this area answers to."""
        return [
            Route("/v1/session/create", self.create, methods=["PUT"]),
            Route("/v1/session/renew/{id}", self.renew, methods=["PUT"]),
            Route("/v1/session/destroy/{id}", self.destroy, methods=["PUT"]),
            Route("/v1/session/info/{id}", self.info, methods=["GET"]),
            Route("/v1/session/list", self.show_all, methods=["GET"]),
            Route("/v1/session/node/{node}", self.show_all, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Begin a session."""
        draft = parse_session(await read_body(request, limit=VALUE_LIMIT))

        def write(change: Change) -> Session:
            require_not_critical(change, draft.checks)
            return create_session(change, draft)

        session = await self.server.write(write)
        return JSONResponse({"ID": session.id})

    async def renew(self, request: Request) -> Response:
        """Begin the session's TTL again."""
        session_id = request.path_params["id"]
        session = await self.server.write(lambda change: renew_session(change, session_id))
        return JSONResponse([session_document(session, self.server.node)])

    async def destroy(self, request: Request) -> Response:
        """End the session; one that does not live is ended already."""
        session_id = request.path_params["id"]
        await self.server.write(lambda change: end_session(change, session_id))
        return JSONResponse(content=True)

    async def info(self, request: Request) -> Response:
        """Show one session, as a list of at most one."""
        session_id = request.path_params["id"]
        answer = await self.server.observe(
            request, session_topic(session_id), question=lambda db: read_session(db, session_id)
        )
        sessions = [answer.content] if answer.content else []
        return JSONResponse(self._documents(sessions), headers=answer.headers)

    async def show_all(self, request: Request) -> Response:
        """Show every session, or those of one node."""
        answer = await self.server.observe(request, ALL_SESSIONS, question=read_sessions)
        is_ours = request.path_params.get("node", self.server.node.name) == self.server.node.name
        return JSONResponse(self._documents(answer.content if is_ours else []), headers=answer.headers)

    def _documents(self, sessions: list[Session]) -> list[dict[str, object]]:
        return [session_document(session, self.server.node) for session in sessions]
