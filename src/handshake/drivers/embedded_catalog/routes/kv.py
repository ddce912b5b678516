"""`/v1/kv`: keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog import kv, locks
from handshake.drivers.embedded_catalog.bodies import VALUE_LIMIT
from handshake.drivers.embedded_catalog.change import Change
from handshake.drivers.embedded_catalog.documents import entry_document
from handshake.drivers.embedded_catalog.fields import parse_unsigned
from handshake.drivers.embedded_catalog.house import House
from handshake.drivers.embedded_catalog.kv import Draft, Entry
from handshake.drivers.embedded_catalog.refusals import MalformedError
from handshake.drivers.embedded_catalog.requests import is_set, path_text, read_body

_PREFIX = "/v1/kv/"
_EXCLUSIVE = "cas", "acquire", "release"


@dataclass(frozen=True)
class KVRoutes:
    """Reads and writes keys."""

    house: House

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
        draft = Draft(key=key, value=await read_body(request, limit=VALUE_LIMIT), flags=flags)

        def write(change: Change) -> Entry | None:
            if "cas" in parameters:
                return kv.check_and_set(change, draft, expected)
            if "acquire" in parameters:
                return locks.acquire(change, draft, parameters["acquire"])
            if "release" in parameters:
                return locks.release(change, draft, parameters["release"])
            return kv.put(change, draft)

        return JSONResponse(await self.house.write(write) is not None)

    async def delete(self, request: Request) -> Response:
        """Remove one key, one key if its index is as expected, or a tree."""
        parameters = request.query_params
        if is_set(request, "recurse"):
            if "cas" in parameters:
                raise MalformedError("Conflicting flags: at most one of cas and recurse can be given")
            prefix = path_text(request, after=_PREFIX)
            await self.house.write(lambda change: kv.delete_tree(change, prefix))
            return JSONResponse(content=True)
        key = _required_key(request)
        if "cas" in parameters:
            expected = parse_unsigned(parameters, "cas")
            return JSONResponse(
                await self.house.write(lambda change: kv.check_and_delete(change, key, expected))
            )
        await self.house.write(lambda change: kv.delete(change, key))
        return JSONResponse(content=True)

    async def _get_entry(self, request: Request) -> Response:
        key = _required_key(request)
        answer = await self.house.observe(
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
        answer = await self.house.observe(
            request, kv.tree_topic(prefix), question=lambda db: kv.read_tree(db, prefix)
        )
        return _list_or_nothing([entry_document(entry) for entry in answer.content], answer.headers)

    async def _get_keys(self, request: Request) -> Response:
        prefix = path_text(request, after=_PREFIX)
        separator = request.query_params.get("separator", "")
        answer = await self.house.observe(
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
