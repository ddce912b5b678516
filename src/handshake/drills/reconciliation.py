"""Reconciliation: compares visitors' receipts with the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from handshake.drills.requests import RequestResult


@dataclass(frozen=True, kw_only=True, order=True)
class StoredDonation:
    """One entry of the ledger."""

    id: str
    key: str
    amount_cents: int


class DonationLedger(Protocol):
    """Where donations are stored."""

    def read_donations(self) -> tuple[StoredDonation, ...]:
        """Return every entry, the oldest first. Reads only. UnavailableError where the store does not answer."""
        ...


@dataclass(frozen=True, kw_only=True, order=True)
class Receipt:
    """A visitor's receipt: this donation is stored under this key."""

    key: str
    donation_id: str


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """Every donation that was sent, compared with the ledger. Entries of other senders are ignored."""

    sent: int
    """Donations that were sent, however often each was tried."""
    confirmed: int
    """Receipts whose donation is stored."""
    missing: tuple[Receipt, ...]
    """Receipts without a matching entry: lost, or stored under another key or id."""
    doubled: tuple[StoredDonation, ...]
    """All entries of each key with several."""
    unanswered: tuple[StoredDonation, ...]
    """Entries whose sender never got a receipt. Not an error: such a visitor may retry with the same key."""

    @property
    def is_exact(self) -> bool:
        """Whether every promise was kept, and no donation is stored twice."""
        return not self.missing and not self.doubled


def reconcile(results: Iterable[RequestResult], stored: Sequence[StoredDonation]) -> Reconciliation:
    """Compare the results of donating with the ledger's entries."""
    sent, receipts = _read_results(results)
    ours = [entry for entry in stored if entry.key in sent]
    entries = Counter(entry.key for entry in ours)
    kept = {Receipt(key=entry.key, donation_id=entry.id) for entry in ours}
    answered = {receipt.key for receipt in receipts}
    return Reconciliation(
        sent=len(sent),
        confirmed=len(receipts & kept),
        missing=tuple(sorted(receipts - kept)),
        doubled=tuple(sorted(entry for entry in ours if entries[entry.key] > 1)),
        unanswered=tuple(sorted(entry for entry in ours if entry.key not in answered)),
    )


def _read_results(results: Iterable[RequestResult]) -> tuple[set[str], set[Receipt]]:
    sent: set[str] = set()
    receipts: set[Receipt] = set()
    for result in results:
        if result.key:
            sent.add(result.key)
        if result.donation_id:
            receipts.add(Receipt(key=result.key, donation_id=result.donation_id))
    return sent, receipts
