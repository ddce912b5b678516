"""Answers are read without trust: whatever a service says, there is a number, an object or nothing."""

from __future__ import annotations

import pytest

from handshake.image.contract_check.trial import TrialRequest, TrialResponse, read_number, read_object


def said(body: str) -> TrialResponse:
    """Return an answer with a body."""
    return TrialResponse(status=200, body=body)


@pytest.mark.parametrize(
    ("body", "pointer", "number"),
    [
        ('{"count": 3}', "/count", 3),
        ('{"events": [{"left": 54}]}', "/events/0/left", 54),
        ('{"a/b": {"~c": 1.5}}', "/a~1b/~0c", 1.5),
        ("[7]", "/0", 7),
        ('{"count": "3"}', "/count", None),
        ('{"count": true}', "/count", None),
        ('{"count": 3}', "/other", None),
        ("[7]", "/1", None),
        ("[7]", "/first", None),
        ("3", "/count", None),
        ("no JSON", "/count", None),
    ],
)
def test_a_pointer_finds_a_number_or_nothing(body: str, pointer: str, number: float | None) -> None:
    """A JSON pointer leads through objects and arrays; what is no number there counts as nothing."""
    assert read_number(said(body), pointer) == number


@pytest.mark.parametrize(
    ("body", "value"), [('{"status": "ok"}', {"status": "ok"}), ("[1]", {}), ("ok", {}), ("", {})]
)
def test_only_an_object_is_an_object(body: str, value: dict[str, str]) -> None:
    """What is not a JSON object reads as an empty one."""
    assert read_object(said(body)) == value


def test_an_answer_says_what_it_was_in_one_line() -> None:
    """As evidence, an answer is its status and the beginning of its body, in one line."""
    assert str(TrialResponse(status=503, body='{\n  "reason": 1\n}')) == '503 { "reason": 1 }'
    assert str(TrialResponse(status=0, body="reset")) == "no answer reset"
    assert len(str(TrialResponse(status=200, body="x" * 500))) == 124


def test_a_request_with_a_body_is_a_post() -> None:
    """The body makes the method."""
    assert [str(TrialRequest(path="/")), str(TrialRequest(path="/", body="{}"))] == ["GET /", "POST /"]


@pytest.mark.parametrize(("status", "is_good", "is_lost"), [(0, 0, 1), (201, 1, 0), (404, 0, 0), (503, 0, 1)])
def test_an_answer_is_good_lost_or_neither(status: int, is_good: int, is_lost: int) -> None:
    """A refusal is an answer; silence and a server's own failure are none."""
    answer = TrialResponse(status=status, body="")
    assert (answer.is_good, answer.is_lost) == (bool(is_good), bool(is_lost))
