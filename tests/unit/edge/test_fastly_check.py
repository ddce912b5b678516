"""What Fastly cannot do is a problem before anything is applied."""

from __future__ import annotations

import pytest

from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.fastly.compile.vcl import check_fastly, compile_fastly
from handshake.edge.policy.challenge_page import PATH
from handshake.syntax.fastly_vcl import print_fastly
from tests.unit.edge.compiled import read_text


def check(action: str, phase: str = "admit") -> list[tuple[str, int]]:
    """Return the ids of what is wrong with a rule's action, and the lines where it stands."""
    text = f'[[rule]]\nname = "x"\nphase = "{phase}"\nwhen = \'true\'\n{action}\n'
    found = check_fastly(read_text(text), FastlyTarget())
    return [(problem.check, problem.where.line or 0) for problem in found]


def test_longer_windows_are_the_ingresses() -> None:
    """Fastly counts a minute back at most: a longer limit is handed to the ingress, each request of it."""
    for seconds, is_deferred in ((60, False), (61, True)):
        policy = read_text(
            f'[[rule]]\nname = "x"\nphase = "admit"\nwhen = \'true\'\n'
            f'limit = {{ requests = 5, seconds = {seconds}, then = "challenge" }}\n'
        )
        text = print_fastly(compile_fastly(policy, FastlyTarget()))
        assert ("ratecounter hs_limit_x" not in text) is is_deferred
        assert ('set req.http.X-HS-Pass = "1"' in text) is is_deferred
        assert (PATH not in text) is is_deferred


@pytest.mark.parametrize(
    "action",
    [
        'headers = { request = { set = { Expect = "x" } } }',
        'headers = { response = { remove = ["Content-Range"] } }',
        'respond = { status = 403, headers = { Proxy-Authenticate = "Basic" } }',
    ],
)
def test_protected_headers_are_refused(action: str) -> None:
    """What Fastly protects cannot be changed by a rule."""
    assert check(action) == [("fastly-protected-header", 1)]


def test_a_megabyte_is_too_much() -> None:
    """Fastly takes a megabyte of VCL."""
    body = "x" * 1_000_001
    assert check(f'respond = {{ status = 403, body = "{body}" }}', "serve") == [("fastly-too-large", 1)]
