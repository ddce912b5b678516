"""Lists are made to fit into containers, and versions are compared, without any Fastly."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.fastly.compile.versions import describe_change, plan_version, want_version
from handshake.edge.fastly.fit import Lease, fit_networks, fit_texts, spread
from handshake.edge.fastly.service import Origin, Version
from handshake.edge.ingress.compile.maps import FOREVER
from handshake.syntax.fastly_vcl import quote
from tests.unit.edge.compiled import read_text

NOW = 1000.0
ADDRESSES = st.lists(st.integers(0, 63).map(lambda number: f"192.0.2.{number}"), unique=True, max_size=40)
POLICY = """
[lists.wall]
kind = "network"
[[rule]]
name = "wall"
phase = "admit"
when = "client.ip in list.wall"
respond = { status = 403 }
"""


def lease(entry: str, until: float = FOREVER, since: float = 0.0) -> Lease:
    """Return an entry's lease."""
    return Lease(entry=entry, until=until, since=since)


def test_neighbours_become_one_network() -> None:
    """Addresses side by side need one entry together; what is inside of another needs none."""
    fit = fit_networks(
        map(lease, ["192.0.2.0", "192.0.2.1", "192.0.2.2/31", "2001:db8::/64"]), now=NOW, room=9
    )
    assert list(fit.held) == ["192.0.2.0/30", "2001:db8::/64"]
    assert fit.describe() == ""


def test_what_has_ended_is_not_held() -> None:
    """A lease that ends now is over."""
    assert fit_networks([lease("192.0.2.1", NOW), lease("192.0.2.9", NOW + 1)], now=NOW, room=9).held == {
        "192.0.2.9": ""
    }


def test_the_newest_have_room() -> None:
    """Where not all fit, the oldest stay out, and are named."""
    leases = [lease(f"192.0.2.{2 * number}", since=number) for number in range(10)]
    fit = fit_networks(leases, now=NOW, room=3)
    assert set(fit.held) == {"192.0.2.18", "192.0.2.16", "192.0.2.14"}
    assert fit.describe() == (
        "7 did not fit: 192.0.2.12, 192.0.2.10, 192.0.2.8, 192.0.2.6, 192.0.2.4 and 2 more"
    )


@given(entries=ADDRESSES, room=st.integers(1, 40))
def test_nobody_is_held_who_was_not_listed(entries: list[str], room: int) -> None:
    """What fits and what is left out are together exactly what was listed, in no more than the room."""
    fit = fit_networks([lease(entry, since=at) for at, entry in enumerate(entries)], now=NOW, room=room)
    held = {str(address) for network in fit.held for address in ip_network(network)}
    assert held | set(fit.left_out) == set(entries)
    assert not held & set(fit.left_out)
    assert len(fit.held) <= room


def test_texts_are_held_by_their_digest() -> None:
    """A dictionary's keys are short, and its values end by themselves."""
    fit = fit_texts([lease("Bad bot", 2000.9, 1.0), lease("Old", 3000.0, 0.0)], now=NOW, room=1)
    assert fit.held == {sha256(b"Bad bot").hexdigest(): "2000"}
    assert fit.left_out == ("Old",)


@given(wanted=ADDRESSES, first=ADDRESSES, second=ADDRESSES)
def test_spread_comes_to_what_is_wanted(wanted: list[str], first: list[str], second: list[str]) -> None:
    """Whatever two containers held, they hold together what is wanted, each entry once, none above capacity."""
    found = {"a": dict.fromkeys(first, ""), "b": dict.fromkeys(second, "")}
    changes = spread(dict.fromkeys(wanted, ""), found, capacity=20)
    after = {
        name: (set(held) - set(changes[name].remove)) | set(changes[name].put) for name, held in found.items()
    }
    assert after["a"] | after["b"] == set(wanted)
    assert not after["a"] & after["b"]
    assert all(len(held) <= 20 for held in after.values())


def test_spread_moves_nothing_that_may_stay() -> None:
    """An entry stays in its container; a new value is put without removing the old one."""
    changes = spread({"x": "2", "y": "1"}, {"a": {"y": "1"}, "b": {"x": "1"}}, capacity=2)
    assert (changes["a"].put, changes["a"].remove) == ({}, ())
    assert (changes["b"].put, changes["b"].remove) == ({"x": "2"}, ())


def test_a_version_that_is_as_wanted_needs_nothing() -> None:
    """What a plan makes of a version is what the next plan finds."""
    wanted = want_version(
        read_text(POLICY), FastlyTarget(shards=2), origin=Origin(host="o.example"), domain="w.example"
    )
    change = plan_version(Version(number=1, acls={"hs_list_old_1": "7", "theirs": "8"}), wanted)
    assert (change.new_acls, change.old_acls) == (("hs_list_wall_1", "hs_list_wall_2"), ("hs_list_old_1",))
    told = describe_change(None, change)
    assert "+fastly acl hs_list_wall_1" in told and "+fastly domain w.example" in told
    made = Version(
        number=2,
        vcl=wanted.vcl,
        acls={"hs_list_wall_1": "1", "hs_list_wall_2": "2", "theirs": "8"},
        origin=wanted.origin,
        domains=frozenset({"w.example"}),
    )
    assert plan_version(made, wanted).is_empty


@pytest.mark.parametrize("text", ["", "plain", '"', "100%", 'a "} b', 'a "HS0} "} b', "line\nline", "\\1"])
def test_strings_mean_themselves(text: str) -> None:
    """A literal is one literal, and nothing in it is an escape or its end."""
    printed = quote(text)
    if printed.startswith('"'):
        assert printed == f'"{text}"' and not set(text) & {'"', "%", "\n"}
    else:
        delimiter = printed[1 : printed.index('"')]
        assert printed == f'{{{delimiter}"{text}"{delimiter}}}'
        assert f'"{delimiter}}}' not in text


def test_control_characters_have_no_string() -> None:
    """What no VCL can carry is an error, and not silently something else."""
    with pytest.raises(ValueError, match="control character"):
        quote("\x00")
