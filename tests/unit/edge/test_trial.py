"""Cases: each expectation can be met and can fail, and a file that cannot be right is refused with every place."""

from __future__ import annotations

import pytest

from handshake.config.reader import parse_settings
from handshake.core.problem import ProblemsError
from handshake.edge.simulate.cases import CasesSettings, CaseTrial, check_cases, try_cases
from tests.unit.edge.compiled import read_text

POLICY = read_text(
    """
[switches.siege]
description = "Closed."
[lists.wall]
kind = "network"
[lists.agents]
kind = "text"
[[rule]]
name = "mark"
phase = "admit"
when = 'request.path.startsWith("/api/")'
headers = { request = { set = { X-Kind = "api" } }, response = { set = { X-Edge = "yes" } } }
[[rule]]
name = "often"
phase = "admit"
when = 'request.header["x-kind"] == "api"'
limit = { requests = 5, seconds = 10 }
[[rule]]
name = "siege"
phase = "admit"
when = 'switch.siege || client.ip in list.wall || request.user_agent in list.agents'
decoy = { answers = [{ status = 201, body = "made" }, { status = 402, body = "declined" }] }
[[rule]]
name = "look"
phase = "serve"
when = 'request.path.startsWith("/p/")'
split = { arms = { plain = 9, bold = 1 } }
[[rule]]
name = "keep"
phase = "serve"
when = 'request.path.startsWith("/p/")'
cache = { ttl_seconds = 60, tags = ["pages", "p"], key = ["client.country"] }
"""
)


def find_way(_method: str, path: str) -> tuple[str, int]:
    """Everything below /calls is a site, which answers /calls itself with a redirect."""
    return ("site calls", 308 if path == "/calls" else 0) if path.startswith("/calls") else ("nobody", 404)


def try_text(text: str) -> list[CaseTrial]:
    """Return what comes of the cases of a file."""
    loaded = parse_settings(CasesSettings, text, shown_as="edge_tests.toml")
    if problems := check_cases(loaded, POLICY):
        raise ProblemsError(problems)
    return list(try_cases(loaded, POLICY, find_way))


def try_case(circumstances: str, expect: str) -> CaseTrial:
    """Return what comes of one case."""
    (trial,) = try_text(f'[[case]]\nname = "it"\n{circumstances}\nexpect = {{ {expect} }}\n')
    return trial


SIEGE = "switches = { siege = true }"
API = 'request = { path = "/api/x" }'
PAGE = 'request = { path = "/p/x?a=b", country = "US", cookies = { hs_arm_look = "bold" } }'


@pytest.mark.parametrize(
    ("circumstances", "right", "wrong"),
    [
        (SIEGE, 'rule = "siege"', 'rule = ""'),
        (SIEGE, "status = 402", "status = 403"),
        (SIEGE, 'status = 402, body = "declined"', 'status = 201, body = "declined"'),
        (SIEGE, "goes_on = false", "goes_on = true"),
        (SIEGE, 'headers = { Content-Type = "application/json" }', 'headers = { Content-Type = "" }'),
        ('lists = { wall = ["192.0.2.0/24"] }', 'rule = "siege"', 'rule = "mark"'),
        (
            'request = { headers = { User-Agent = "bot" } }\nlists = { agents = ["bot"] }',
            'matched = ["siege"]',
            'not_matched = ["siege"]',
        ),
        (API, 'matched = ["mark", "often"]', 'matched = ["mark", "siege"]'),
        (API, 'limits = ["often"]', "limits = []"),
        (API, 'request_headers = { X-Kind = "api" }', 'request_headers = { x-kind = "" }'),
        (
            f'{API}\nexceeded = ["often"]',
            'status = 429, headers = { X-Edge = "yes", Retry-After = "10" }',
            'rule = ""',
        ),
        ('request = { path = "/calls/x" }', 'to = "site calls", path = "/calls/x"', 'to = "nobody"'),
        ('request = { path = "/calls" }', "status = 308", "status = 404"),
        (PAGE, 'arms = { look = "bold" }', 'arms = { look = "plain" }'),
        (PAGE, "cached = true", "cached = false"),
        (PAGE, "cached_seconds = 60", "cached_seconds = 0"),
        (PAGE, 'tags = ["pages", "p"]', "tags = []"),
        (PAGE, 'key = { "client.country" = "US" }', 'key = { "client.country" = "DE" }'),
        ('request = { path = "//" }', 'refused = "strict-path", status = 400', 'refused = ""'),
    ],
)
def test_expectations(circumstances: str, right: str, wrong: str) -> None:
    """What is so passes, and what is not fails, with what was found."""
    assert try_case(circumstances, right).mismatches == ()
    assert len(try_case(circumstances, wrong).mismatches) == 1


def test_a_failure_names_its_place() -> None:
    """What was expected is shown at its own place in the file, beside what was found."""
    trial = try_case(SIEGE, "goes_on = false, status = 500")
    assert not trial.has_passed
    (its,) = trial.mismatches
    assert (str(its.where), its.key) == ("edge_tests.toml:4:29", "status")
    assert (its.expected, its.found) == ("500", "201 or 402")
    assert [step.rule for step in trial.explanation.steps] == ["siege"]


WRONG = """
[[case]]
name = "it"
request = { ip = "192.0.2" }
switches = { seige = true }
lists = { wall = ["192.0.2.1/24"], walls = [] }
exceeded = ["ofen"]
expect = { rule = "seige", matched = ["mark", "marc"], arms = { loook = "bold" } }
[[case]]
name = "it"
[case.expect]
"""


def test_what_cannot_be_right_is_refused_at_once() -> None:
    """Unknown names, bad addresses, two cases of one name and cases that cannot fail are all told with their places."""
    with pytest.raises(ProblemsError) as raised:
        try_text(WRONG)
    assert [f"{its.where} {its.check}" for its in raised.value.problems] == [
        "edge_tests.toml:4:13 edge-bad-address",
        "edge_tests.toml:5:14 edge-unknown-switch",
        "edge_tests.toml:6:19 edge-bad-address",
        "edge_tests.toml:6:36 edge-unknown-list",
        "edge_tests.toml:7:13 edge-unknown-rule",
        "edge_tests.toml:8:12 edge-unknown-rule",
        "edge_tests.toml:8:47 edge-unknown-rule",
        "edge_tests.toml:8:65 edge-unknown-rule",
        "edge_tests.toml:10:1 edge-duplicate-case",
        "edge_tests.toml:11:2 edge-case-expects-nothing",
    ]


def test_unknown_keys_are_refused() -> None:
    """A key that no case has is an error with its place and the nearest one."""
    with pytest.raises(ProblemsError) as raised:
        try_text('[[case]]\nname = "it"\nexpect = { staus = 403 }\n')
    assert [(str(its.where), its.check, its.hint) for its in raised.value.problems] == [
        ("edge_tests.toml:3:12", "unknown-key", "Did you mean status?")
    ]
