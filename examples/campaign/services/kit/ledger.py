"""The ledger: the Redis that keeps what a service promised to remember."""

import logging
import os
from http import HTTPStatus
from pathlib import Path

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from starlette.requests import Request

from kit.problem import ProblemError, ProblemResponse, answer_problem

RETRY_AFTER_SECONDS = 1

log = logging.getLogger(__name__)


def connect_ledger() -> Redis:
    """Open the ledger named by the secret file `ledger`.

    The file lies in /run/secrets; the environment variable HANDSHAKE_SECRETS names another folder, for tests.
    Nothing is sent yet: a service whose ledger is down starts, and says so in its health.
    """
    secrets = Path(os.environ.get("HANDSHAKE_SECRETS", "/run/secrets"))
    pool = BlockingConnectionPool.from_url(
        (secrets / "ledger").read_text(encoding="utf-8").strip(),
        decode_responses=True,
        max_connections=32,
        timeout=2,
        socket_connect_timeout=1,
        socket_timeout=2,
        # Once is enough to replace connections that a restarted ledger has closed. Every write
        # carries an idempotency key, so sending it a second time is safe.
        retry=Retry(ConstantBackoff(0.02), retries=1),
    )
    return Redis(connection_pool=pool)


def answer_ledger_error(request: Request, error: Exception) -> ProblemResponse:
    """Answer 503: whatever the ledger's error was, nothing may be claimed to be stored."""
    log.warning("the ledger failed: %s: %s", type(error).__name__, error)
    detail = "The ledger does not answer. Try again with the same Idempotency-Key: nothing is stored twice."
    problem = ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE, "ledger-down", detail, retry_after_seconds=RETRY_AFTER_SECONDS
    )
    return answer_problem(request, problem)
