"""All donations, as they lie in the ledger.

`donations` is the stream, one entry for each; `hamm:once:<key>` remembers what an idempotency key was
answered; `hamm:receipt:<donation id>` and `hamm:summary` answer the questions.
"""

import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from kit.once import OnceScript
from redis.asyncio import Redis
from starlette.responses import Response

from hamm.donation import Donation

STREAM = "donations"
SUMMARY = "hamm:summary"


class Donations:
    """Donations in the ledger."""

    def __init__(self, ledger: Redis) -> None:
        self._ledger = ledger
        self._donate = OnceScript(ledger, Path(__file__).with_name("donate.lua"))

    async def add(self, key: str, donation: Donation) -> Response:
        """Store a donation exactly once under its idempotency key, and answer with its receipt."""
        receipt = _write_receipt(donation)
        digest = donation.digest()
        entry = {"id": receipt["donation_id"], "key": key, "digest": digest, **asdict(donation)}
        entry["received_at"] = receipt["received_at"]
        return await self._donate.answer(
            keys=[f"hamm:once:{key}", STREAM, _receipt_key(str(receipt["donation_id"])), SUMMARY],
            digest=digest,
            answer=receipt,
            values=[str(donation.amount_cents), *(str(word) for pair in entry.items() for word in pair)],
        )

    async def find_receipt(self, donation_id: str) -> dict[str, object]:
        """Find a donation's receipt, which names nobody; empty when there is no such donation."""
        receipt: dict[str, object] = json.loads(await self._ledger.get(_receipt_key(donation_id)) or "{}")
        return receipt

    async def summarise(self) -> dict[str, int]:
        """Count the donations and add them up."""
        count, total = await self._ledger.hmget(SUMMARY, ["count", "total_cents"])
        return {"count": int(count or 0), "total_cents": int(total or 0)}


def _write_receipt(donation: Donation) -> dict[str, object]:
    return {
        "donation_id": f"don_{uuid.uuid4().hex}",
        "amount_cents": donation.amount_cents,
        "received_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _receipt_key(donation_id: str) -> str:
    return f"hamm:receipt:{donation_id}"
