"""All sign-ups, as they lie in the ledger.

`events:signups` is the stream, one entry for each; `events:seats` counts the seats taken by event;
`events:once:<key>` remembers what an idempotency key was answered.
"""

import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from kit.once import OnceScript, digest_body
from redis.asyncio import Redis
from starlette.responses import Response

from events.event import Event
from events.signup import Signup

STREAM = "events:signups"
SEATS = "events:seats"


class Signups:
    """Sign-ups in the ledger."""

    def __init__(self, ledger: Redis) -> None:
        self._ledger = ledger
        self._sign_up = OnceScript(ledger, Path(__file__).with_name("sign_up.lua"))

    async def add(self, key: str, event: Event, signup: Signup) -> Response:
        """Take one seat exactly once under the idempotency key, or refuse when none is left."""
        answer = {
            "signup_id": f"sup_{uuid.uuid4().hex}",
            "event_id": event.id,
            "received_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        entry = {**answer, "key": key, **asdict(signup)}
        return await self._sign_up.answer(
            keys=[f"events:once:{key}", STREAM, SEATS],
            digest=digest_body({"event_id": event.id, **asdict(signup)}),
            answer=answer,
            values=[event.id, str(event.capacity), *(word for pair in entry.items() for word in pair)],
        )

    async def count_seats(self) -> dict[str, int]:
        """Count the seats taken, by event; an event without sign-ups is absent."""
        return {str(event): int(taken) for event, taken in (await self._ledger.hgetall(SEATS)).items()}
