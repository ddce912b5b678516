"""Donations in the ledger, read by drills to compare them with visitors' receipts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from handshake.core.errors import UnavailableError
from handshake.drills.reconciliation import StoredDonation

STREAM = "donations"
PAGE_ENTRIES = 1000
SECONDS = 5.0
"""How long the ledger may take to accept a connection, and to return a page."""


class RedisDonations:
    """Keeps `handshake.drills.reconciliation.DonationLedger`. It never writes."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read_donations(self) -> tuple[StoredDonation, ...]:
        """Return every entry, the oldest first. UnavailableError where the ledger does not answer."""
        try:
            with Redis.from_url(
                self._url, decode_responses=True, socket_connect_timeout=SECONDS, socket_timeout=SECONDS
            ) as redis:
                return tuple(_read_pages(redis))
        except RedisError as error:
            raise UnavailableError("the ledger does not answer", details=str(error)) from error


def _read_pages(redis: Redis) -> Iterator[StoredDonation]:
    after = "-"
    while page := _read_page(redis, after):
        for _, fields in page:
            yield StoredDonation(id=fields["id"], key=fields["key"], amount_cents=int(fields["amount_cents"]))
        after = f"({page[-1][0]}"


def _read_page(redis: Redis, after: str) -> list[tuple[str, dict[str, str]]]:
    # The client's annotation names what its asynchronous twin returns, too.
    page: Any = redis.xrange(STREAM, min=after, count=PAGE_ENTRIES)
    return list(page)
