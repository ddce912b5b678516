"""The application around a service's own routes."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from kit.health import Health
from kit.ledger import answer_ledger_error
from kit.log import RequestLog
from kit.problem import ProblemError, ProblemResponse, answer_problem

log = logging.getLogger(__name__)


def build_app(*, ledger: Redis, routes: Sequence[BaseRoute]) -> Starlette:
    """Add health, request log lines and JSON problems to a service's routes."""

    @asynccontextmanager
    async def close_ledger_at_the_end(_app: Starlette) -> AsyncIterator[None]:
        yield
        await ledger.aclose()

    return Starlette(
        routes=[Route("/health", Health(ledger).__call__), *routes],
        middleware=[Middleware(RequestLog)],
        exception_handlers={
            ProblemError: answer_problem,
            RedisError: answer_ledger_error,
            HTTPException: _answer_http_error,
            Exception: _answer_defect,
        },
        lifespan=close_ledger_at_the_end,
    )


def _answer_http_error(request: Request, error: Exception) -> ProblemResponse:
    """Answer what the router refuses: an unknown path, another method."""
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    name = status.phrase.lower().replace(" ", "-")
    answer = answer_problem(request, ProblemError(status, name, f"{request.method} {request.url.path}"))
    answer.headers.update(error.headers or {})
    return answer


def _answer_defect(request: Request, _error: Exception) -> ProblemResponse:
    """Answer 500; the server logs the traceback, the visitor learns nothing of our insides."""
    problem = ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "defect", "This is our mistake, not yours.")
    return answer_problem(request, problem)
