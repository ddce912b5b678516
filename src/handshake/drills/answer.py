"""An answer, and the judgement on it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from handshake.drills.request_kind import Content, RequestKind
from handshake.drills.result import Failure

SHOWN_BYTES = 120
"""How much of an unexpected body the detail of a failure shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A complete answer."""

    status: int
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Whether an answer is a good one, why not, and the donation's id if it is a receipt."""

    failure: Failure = Failure.NONE
    detail: str = ""
    donation_id: str = ""


_GOOD = Judgement()


def judge(kind: RequestKind, answer: Answer) -> Judgement:
    """Judge a complete answer by what its kind of request expects."""
    if answer.status not in kind.expected:
        return Judgement(failure=Failure.STATUS, detail=f"{answer.status}: {_show(answer.body)}")
    match kind.content:
        case Content.ANY:
            return _GOOD
        case Content.FILLED:
            return _GOOD if answer.body else Judgement(failure=Failure.BODY, detail="the body is empty")
        case Content.JSON | Content.RECEIPT:
            return _judge_json(kind.content, answer.body)


def _judge_json(content: Content, body: bytes) -> Judgement:
    try:
        document = json.loads(body)
    except ValueError:
        return Judgement(failure=Failure.BODY, detail=f"no JSON: {_show(body)}")
    if content is Content.JSON:
        return _GOOD
    match document:
        case {"donation_id": str(donation_id)} if donation_id:
            return Judgement(donation_id=donation_id)
        case _:
            return Judgement(failure=Failure.BODY, detail=f"no receipt: {_show(body)}")


def _show(body: bytes) -> str:
    return body[:SHOWN_BYTES].decode(errors="replace")
