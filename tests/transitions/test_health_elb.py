"""The health check of slide 41, line by line."""

from __future__ import annotations

import json

import pytest

from handshake.fleet.instance import Evidence
from handshake.fleet.load_balancer.health_check import (
    CONSUL_ERROR,
    Found,
    Level,
    LogLine,
    Missing,
    Unreadable,
    answer_check,
    choose_check,
)
from tests.transitions.fleet_members import release


def test_a_release_is_asked_for_by_its_id() -> None:
    """With a current template release, the instance is asked whether it has loaded that one."""
    check = choose_check(Found(release=release("looks")))
    assert check.path == f"/health?templateRelease={release('looks')}"
    assert (check.counted, check.log) == ((), ())


def test_before_the_first_release_the_plain_check_decides() -> None:
    """A 404 from the catalogue is nothing wrong: it is logged as a warning and not counted."""
    check = choose_check(Missing())
    assert check.path == "/health"
    assert check.counted == ()
    text = "Skipping templateRelease health check since consul is empty"
    assert check.log == (LogLine(level=Level.WARN, text=text),)


def test_an_error_of_the_catalogue_makes_nobody_ill() -> None:
    """Any other error is counted and logged, and the plain check decides."""
    check = choose_check(Unreadable(error="connection refused"))
    assert check.path == "/health"
    assert check.counted == (CONSUL_ERROR,) == ("sos-template-deploy.consul-error",)
    text = "Error reading data from consul: connection refused"
    assert check.log == (LogLine(level=Level.ERROR, text=text),)


def test_a_healthy_instance_is_200() -> None:
    """What the instance answers with 200 is 200 to the load balancer, and no line is logged."""
    answer = answer_check(Evidence(status=200, body="anything", at=1.0))
    assert (answer.status, answer.body, answer.log) == (200, b"", ())


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (503, "serves 1a2b", "Health check failed : 503 serves 1a2b"),
        (500, "", "Health check failed : 500"),
        (204, "", "Health check failed : 204"),
        (0, "connection refused", "Health check failed : connection refused"),
    ],
)
def test_anything_else_is_503_with_the_reason(status: int, body: str, reason: str) -> None:
    """Every other answer, and none, is 503; the reason is in the body and in the log."""
    answer = answer_check(Evidence(status=status, body=body, at=1.0))
    assert answer.status == 503
    assert json.loads(answer.body) == {"reason": reason}
    assert answer.log == (LogLine(level=Level.ERROR, text=reason),)
