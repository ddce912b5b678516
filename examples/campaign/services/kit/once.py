"""Exactly once: a write under an idempotency key, atomic in the ledger."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kit.problem import Fault, ProblemError

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")
_PRELUDE = Path(__file__).with_name("once.lua")


def read_key(request: Request) -> str:
    """Read the request's idempotency key."""
    key = request.headers.get(HEADER, "")
    if _KEY.fullmatch(key):
        return key
    fault = Fault(field=HEADER, detail="must be 8 to 128 of the characters A-Z a-z 0-9 _ -")
    detail = f"The header {HEADER} is required: it makes trying again safe."
    raise ProblemError(HTTPStatus.BAD_REQUEST, "bad-idempotency-key", detail, faults=[fault])


def digest_body(body: Mapping[str, object]) -> str:
    """Digest what a request means, whatever the order and spacing of its JSON."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class OnceScript:
    """A Lua script that stores a request exactly once, and the answers that may come of it."""

    def __init__(self, ledger: Redis, script: Path) -> None:
        text = _PRELUDE.read_text(encoding="utf-8") + script.read_text(encoding="utf-8")
        self._run = ledger.register_script(text)

    async def answer(
        self, *, keys: Sequence[str], digest: str, answer: Mapping[str, object], values: Sequence[str]
    ) -> Response:
        """Store and answer 201; the same again for the same body; 409 for another body or a refusal.

        keys: the record of the idempotency key, then the script's own.
        values: what the script reads from ARGV[3] on.
        """
        outcome, text = await self._run(keys=keys, args=[digest, json.dumps(answer), *values])
        if outcome == "conflict":
            detail = f"This {HEADER} was used with another body."
            raise ProblemError(HTTPStatus.CONFLICT, "idempotency-key-reused", detail)
        if outcome == "refused":
            raise ProblemError(HTTPStatus.CONFLICT, "refused", text)
        headers = {"Idempotency-Replayed": "true"} if outcome == "replayed" else {}
        return JSONResponse(json.loads(text), HTTPStatus.CREATED, headers)
