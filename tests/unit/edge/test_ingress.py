"""The ingress's compilation: seeds, shared names, purity."""

from __future__ import annotations

import shlex
from ipaddress import ip_network
from pathlib import Path

import pytest

from handshake.core.problem import ProblemsError
from handshake.edge.ingress.compile.maps import FOREVER, print_list, seed_maps
from handshake.edge.policy.checks import LARGEST_HEAD_BYTES, MOST_HEADERS
from handshake.edge.policy.request import is_stripped
from tests.unit.edge.compiled import FOLDER, print_cache, print_ingress, read_text, split

EVERYTHING = split(FOLDER / "every-operator.txt")[0]
CAMPAIGN = Path(__file__).parents[3] / "examples" / "campaign" / "edge.toml"


def test_seeds() -> None:
    """Lists begin with their entries and switches with their defaults, all without an end."""
    assert seed_maps(read_text(EVERYTHING)) == {
        "switches.map": f"siege {FOREVER}\n",
        "list-friends.map": f"192.0.2.0/24 {FOREVER}\n",
        "list-wall.map": "",
    }


def test_single_addresses_are_printed_without_length() -> None:
    """A map's key is spelt as operators and `del map` spell it."""
    entries = [(ip_network("192.0.2.1"), 5), (ip_network("2001:DB8:0::/64"), 6)]
    assert print_list(entries) == "192.0.2.1 5\n2001:db8::/64 6\n"


def test_same_policy_same_text() -> None:
    """Compiling is pure: the same input gives the same text, so that a digest of it means something."""
    assert print_ingress(read_text(EVERYTHING)) == print_ingress(read_text(EVERYTHING))
    assert print_cache(read_text(EVERYTHING)) == print_cache(read_text(EVERYTHING))


def test_campaign_compiles() -> None:
    """The example campaign's policy has no problems, and each of its rules is named where it is compiled."""
    policy = read_text(CAMPAIGN.read_text())
    text = print_ingress(policy) + print_cache(policy)
    assert len(policy.rules) == 6
    assert all(f"# {rule.because}\n" in text for rule in policy.rules)


def test_identity_headers() -> None:
    """Every header by which somebody could claim an identity is known, in any case and with underscores."""
    claims = (
        "Fastly-FF",
        "fastly-client-ip",
        "CF-Connecting-IP",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-HS-Client",
    )
    assert all(is_stripped(name) for name in claims)
    assert not is_stripped("User-Agent")


def test_long_rows_are_several_lines() -> None:
    """However many values a condition or a setting names, no line is longer than HAProxy reads."""
    countries = ", ".join(
        f'"{first}{second}"' for first in "ABCDEF" for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )
    networks = ", ".join(f'"192.0.{number}.0/24"' for number in range(120))
    numbers = ", ".join(map(str, range(1, 121)))
    text = print_ingress(
        read_text(
            f"""
trusted_proxies = [{networks}]
[[rule]]
name = "many"
phase = "admit"
when = 'client.country in [{countries}] || client.ip in [{networks}] || client.asn in [{numbers}]'
respond = {{ status = 403 }}
"""
        )
    )
    assert all(len(line.split()) <= 64 for line in text.splitlines())
    assert "FZ" in text
    assert "192.0.119.0/24" in text


def write_answer(phase: str, headers: dict[str, str], body: str = "") -> str:
    """Return a policy with one answer."""
    named = ", ".join(f'{name} = "{value}"' for name, value in headers.items())
    return f"""
[[rule]]
name = "answer"
phase = "{phase}"
when = 'true'
respond = {{ status = 200, body = "{body}", headers = {{ {named} }} }}
"""


def test_many_headers_are_several_lines() -> None:
    """However many headers an answer may have, no line is longer than HAProxy reads, and none is left out."""
    headers = {f"X-Field-{number}": f"100% {number}" for number in range(MOST_HEADERS)}
    text = print_ingress(read_text(write_answer("admit", headers)))
    assert all(len(shlex.split(line, comments=True)) <= 64 for line in text.splitlines() if "X-Field" in line)
    assert all(f"{name} '{value.replace('%', '%%')}'" in text for name, value in headers.items())


def test_headers_in_two_spellings() -> None:
    """A header that is named twice, in other letters, is a problem: ingress and cache would send different answers."""
    with pytest.raises(ProblemsError) as found:
        read_text(write_answer("admit", {"X-Field": "a", "x-field": "b"}))
    (problem,) = found.value.problems
    assert (problem.check, str(problem.where)) == ("edge-duplicate-header", "edge.toml:6:65")


@pytest.mark.parametrize(
    ("phase", "headers", "body", "is_fine"),
    [
        ("admit", dict.fromkeys((f"X-{number}" for number in range(MOST_HEADERS)), "x"), "", True),
        ("serve", dict.fromkeys((f"X-{number}" for number in range(MOST_HEADERS + 1)), "x"), "", False),
        ("serve", {"X-Long": "x" * (LARGEST_HEAD_BYTES - 10)}, "b" * 20_000, True),
        ("serve", {"X-Long": "x" * (LARGEST_HEAD_BYTES - 9)}, "", False),
        ("admit", {"X-Long": "x" * 3_000}, "b" * 11_000, True),
        ("admit", {"X-Long": "x" * 3_000}, "b" * 12_000, False),
    ],
)
def test_heads_that_no_program_has_room_for(
    phase: str, headers: dict[str, str], body: str, *, is_fine: bool
) -> None:
    """More headers, or longer ones, than ingress or cache can send are a problem before anything is compiled."""
    try:
        read_text(write_answer(phase, headers, body))
        checks = []
    except ProblemsError as error:
        checks = [problem.check for problem in error.problems]
    assert checks == ([] if is_fine else ["edge-head-too-large"])
