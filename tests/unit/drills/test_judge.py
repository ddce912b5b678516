"""Judgements on complete answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handshake.drills.requests import Failure, LoadResponse, RequestContent, RequestKind, donation_kind, judge

PAGE = RequestKind(name="page")


@pytest.mark.parametrize(
    ("content", "body", "failure"),
    [
        (RequestContent.ANY, b"", Failure.NONE),
        (RequestContent.FILLED, b"x", Failure.NONE),
        (RequestContent.FILLED, b"", Failure.BODY),
        (RequestContent.JSON, b"[1]", Failure.NONE),
        (RequestContent.JSON, b"[1", Failure.BODY),
        (RequestContent.JSON, b"\xff", Failure.BODY),
        (RequestContent.RECEIPT, b'{"donation_id": "don_1"}', Failure.NONE),
        (RequestContent.RECEIPT, b'{"donation_id": ""}', Failure.BODY),
        (RequestContent.RECEIPT, b'{"donation_id": 1}', Failure.BODY),
        (RequestContent.RECEIPT, b"[]", Failure.BODY),
    ],
)
def test_content(content: RequestContent, body: bytes, failure: Failure) -> None:
    """An answer's body has to be what its kind of request says."""
    kind = replace(PAGE, content=content)
    assert judge(kind, LoadResponse(status=200, body=body)).failure is failure


def test_unexpected_status() -> None:
    """Another status is a failure whatever the body is, and the detail shows both."""
    judgement = judge(donation_kind("/give"), LoadResponse(status=503, body=b'{"donation_id": "don_1"}'))
    assert judgement.failure is Failure.STATUS
    assert judgement.detail == '503: {"donation_id": "don_1"}'
    assert judgement.donation_id == ""


def test_receipt() -> None:
    """A receipt's id is kept for the reconciliation."""
    judgement = judge(donation_kind("/give"), LoadResponse(status=201, body=b'{"donation_id": "don_1"}'))
    assert judgement.donation_id == "don_1"
