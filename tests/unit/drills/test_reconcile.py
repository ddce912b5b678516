"""Reconciliation of answers with the ledger."""

from __future__ import annotations

from handshake.drills.reconciliation import Receipt, StoredDonation, reconcile
from handshake.drills.requests import Failure
from tests.unit.drills.records import result


def entry(key: str, donation_id: str) -> StoredDonation:
    return StoredDonation(id=donation_id, key=key, amount_cents=500)


def test_exact() -> None:
    """Where every receipt has one entry, the reconciliation is exact; entries of others do not matter."""
    results = [result(1, key="a", donation_id="1"), result(2, key="b", donation_id="2"), result(3)]
    found = reconcile(results, [entry("z", "9"), entry("a", "1"), entry("b", "2"), entry("z", "8")])
    assert found.is_exact
    assert (found.sent, found.confirmed, found.unanswered) == (2, 2, ())


def test_missing() -> None:
    """A receipt without an entry is a lost donation."""
    found = reconcile([result(1, key="a", donation_id="1")], [])
    assert found.missing == (Receipt(key="a", donation_id="1"),)
    assert not found.is_exact


def test_other_id() -> None:
    """An entry under the right key but with another id keeps no promise."""
    found = reconcile([result(1, key="a", donation_id="1")], [entry("a", "2")])
    assert found.missing == (Receipt(key="a", donation_id="1"),)


def test_doubled() -> None:
    """Two entries of one key are a doubled donation."""
    twice = [entry("a", "1"), entry("a", "2")]
    found = reconcile([result(1, key="a", donation_id="1")], twice)
    assert found.doubled == tuple(twice)
    assert found.missing == ()
    assert not found.is_exact


def test_unanswered() -> None:
    """A donation stored without an answer is named, and breaks no promise."""
    found = reconcile([result(1, key="a", failure=Failure.RESET)], [entry("a", "1")])
    assert found.unanswered == (entry("a", "1"),)
    assert found.is_exact


def test_second_try() -> None:
    """A donation that was answered at the second try is one donation, and answered."""
    results = [result(1, key="a", failure=Failure.EOF), result(2, key="a", donation_id="1")]
    found = reconcile(results, [entry("a", "1")])
    assert (found.sent, found.confirmed, found.unanswered) == (1, 1, ())


def test_two_receipts_of_one_key() -> None:
    """A key that was promised two ids cannot have both."""
    results = [result(1, key="a", donation_id="1"), result(2, key="a", donation_id="2")]
    assert reconcile(results, [entry("a", "1")]).missing == (Receipt(key="a", donation_id="2"),)
