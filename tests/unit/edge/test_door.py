"""The door's compilation: seeds, shared names, purity."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from handshake.edge.door.maps import FOREVER, print_list, seed_maps
from handshake.edge.identity import is_stripped
from tests.unit.edge.compiled import FOLDER, print_cache, print_door, read_text, split

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
    assert print_door(read_text(EVERYTHING)) == print_door(read_text(EVERYTHING))
    assert print_cache(read_text(EVERYTHING)) == print_cache(read_text(EVERYTHING))


def test_campaign_compiles() -> None:
    """The example campaign's policy has no problems, and each of its rules is named where it is compiled."""
    policy = read_text(CAMPAIGN.read_text())
    text = print_door(policy) + print_cache(policy)
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
    text = print_door(
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
