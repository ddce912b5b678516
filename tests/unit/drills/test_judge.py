"""Judgements on complete answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handshake.drills.answer import Answer, judge
from handshake.drills.request_kind import Content, RequestKind, donation_kind
from handshake.drills.result import Failure

PAGE = RequestKind(name="page")


@pytest.mark.parametrize(
    ("content", "body", "failure"),
    [
        (Content.ANY, b"", Failure.NONE),
        (Content.FILLED, b"x", Failure.NONE),
        (Content.FILLED, b"", Failure.BODY),
        (Content.JSON, b"[1]", Failure.NONE),
        (Content.JSON, b"[1", Failure.BODY),
        (Content.JSON, b"\xff", Failure.BODY),
        (Content.RECEIPT, b'{"donation_id": "don_1"}', Failure.NONE),
        (Content.RECEIPT, b'{"donation_id": ""}', Failure.BODY),
        (Content.RECEIPT, b'{"donation_id": 1}', Failure.BODY),
        (Content.RECEIPT, b"[]", Failure.BODY),
    ],
)
def test_content(content: Content, body: bytes, failure: Failure) -> None:
    """An answer's body has to be what its kind of request says."""
    kind = replace(PAGE, content=content)
    assert judge(kind, Answer(status=200, body=body)).failure is failure


def test_unexpected_status() -> None:
    """Another status is a failure whatever the body is, and the detail shows both."""
    judgement = judge(donation_kind("/give"), Answer(status=503, body=b'{"donation_id": "don_1"}'))
    assert judgement.failure is Failure.STATUS
    assert judgement.detail == '503: {"donation_id": "don_1"}'
    assert judgement.donation_id == ""


def test_receipt() -> None:
    """A receipt's id is kept for the reconciliation."""
    judgement = judge(donation_kind("/give"), Answer(status=201, body=b'{"donation_id": "don_1"}'))
    assert judgement.donation_id == "don_1"
