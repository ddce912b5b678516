"""`/v1/session`: who may hold locks."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.drivers.embedded_catalog.bodies import VALUE_LIMIT, parse_session
from handshake.drivers.embedded_catalog.change import Change
from handshake.drivers.embedded_catalog.checks import require_not_critical
from handshake.drivers.embedded_catalog.documents import session_document
from handshake.drivers.embedded_catalog.house import House
from handshake.drivers.embedded_catalog.locks import end_session
from handshake.drivers.embedded_catalog.requests import read_body
from handshake.drivers.embedded_catalog.sessions import (
    ALL_SESSIONS,
    Session,
    create_session,
    read_session,
    read_sessions,
    renew_session,
    session_topic,
)


@dataclass(frozen=True)
class SessionRoutes:
    """Begins, prolongs, ends and shows sessions."""

    house: House

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

        session = await self.house.write(write)
        return JSONResponse({"ID": session.id})

    async def renew(self, request: Request) -> Response:
        """Begin the session's TTL anew."""
        session_id = request.path_params["id"]
        session = await self.house.write(lambda change: renew_session(change, session_id))
        return JSONResponse([session_document(session, self.house.node)])

    async def destroy(self, request: Request) -> Response:
        """End the session; one that does not live is ended already."""
        session_id = request.path_params["id"]
        await self.house.write(lambda change: end_session(change, session_id))
        return JSONResponse(content=True)

    async def info(self, request: Request) -> Response:
        """Show one session, as a list of at most one."""
        session_id = request.path_params["id"]
        answer = await self.house.observe(
            request, session_topic(session_id), question=lambda db: read_session(db, session_id)
        )
        sessions = [answer.content] if answer.content else []
        return JSONResponse(self._documents(sessions), headers=answer.headers)

    async def show_all(self, request: Request) -> Response:
        """Show every session, or those of one node."""
        answer = await self.house.observe(request, ALL_SESSIONS, question=read_sessions)
        is_ours = request.path_params.get("node", self.house.node.name) == self.house.node.name
        return JSONResponse(self._documents(answer.content if is_ours else []), headers=answer.headers)

    def _documents(self, sessions: list[Session]) -> list[dict[str, object]]:
        return [session_document(session, self.house.node) for session in sessions]
