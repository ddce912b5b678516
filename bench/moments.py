"""Moments: how long it takes until the ingress does what was accepted, asked as a visitor asks."""

from __future__ import annotations

import time
from collections.abc import Callable

import urllib3
from tests.support.campaign import CampaignUnderTest

from handshake.compose.cli import CliParts, compose_cli
from handshake.core.clock import SystemClock
from handshake.core.digest import Digest, short
from handshake.core.subject import parse_subject
from handshake.release.node_paths import load_node

BANNED_FROM = "127.0.0.77"
"""A loopback address that the wall does not protect, so that a visitor can come from it."""
BEHIND_PROXY = "127.0.0.78"
"""What the bench's copy of the policy calls a trusted proxy, so that a visitor can come from abroad."""
ABROAD = {"X-Forwarded-For": "193.99.144.80"}
"""An address in Germany, for the switch that lets in nobody from there."""

_ARRIVES_SECONDS = 10.0
_FORBIDDEN = 403


def trust_the_bench(system: CampaignUnderTest) -> None:
    """Let one loopback address say for whom it asks; before the policy's first release."""
    policy = system.campaign / "edge.toml"
    text = policy.read_text()
    policy.write_text(text.replace("trusted_proxies = []", f'trusted_proxies = ["{BEHIND_PROXY}"]'))


def measure_ban(system: CampaignUnderTest, times: int) -> list[float]:
    """Return seconds from a ban's accepted write to the first refusal at the ingress."""
    lists = _open_campaign(system).live_data.lists
    ask = _visitor(system, BANNED_FROM, {})

    def once() -> float:
        lists.add("wall", BANNED_FROM, seconds=60, author="bench", reason="bench")
        taken = _seconds_until(lambda: ask() == _FORBIDDEN)
        lists.remove("wall", BANNED_FROM, author="bench", reason="bench")
        _seconds_until(lambda: ask() != _FORBIDDEN)
        return taken

    return [once() for _ in range(times)]


def measure_switch(system: CampaignUnderTest, times: int) -> list[float]:
    """Return seconds from a switch's accepted write to its rule's answer at the ingress, on and off alike."""
    switches = _open_campaign(system).live_data.switches
    ask = _visitor(system, BEHIND_PROXY, ABROAD)

    def turn(*, is_on: bool) -> float:
        switches.set("non_us_ban", is_on=is_on, default=False, owner="bench", reason="bench", seconds=None)
        return _seconds_until(lambda: (ask() == _FORBIDDEN) is is_on)

    return [turn(is_on=number % 2 == 0) for number in range(times)]


def measure_command(system: CampaignUnderTest, times: int) -> list[float]:
    """Return seconds of whole commands, from the shell to the prompt: each bans one address."""

    def once(number: int) -> float:
        begun = time.perf_counter()
        system.handshake("ban", f"127.9.0.{number + 1}", "--for", "1m", "--reason", "bench")
        return time.perf_counter() - begun

    return [once(number) for number in range(times)]


def wait_for_ingress(system: CampaignUnderTest) -> None:
    """Return once the ingress answers."""
    ask = _visitor(system, BEHIND_PROXY, {})

    def answers() -> bool:
        try:
            return ask() > 0
        except urllib3.exceptions.HTTPError:
            return False

    _seconds_until(answers)


def measure_site(system: CampaignUnderTest, times: int) -> list[float]:
    """Return seconds from a site pointer's accepted move to the first page of the other release."""
    subject = parse_subject("site/calls")
    pointers = _open_campaign(system).live_data.pointers
    old = pointers.all()[subject].release
    new = _publish_other(system)
    operator = _open_campaign(system).operator("bench")

    def once(number: int) -> float:
        release = new if number % 2 == 0 else old
        operator.promote(subject, release, reason="bench")
        shown = short(release)
        return _seconds_until(lambda: system.get("/calls/").headers.get("X-HS-Release") == shown)

    return [once(number) for number in range(times)]


def _publish_other(system: CampaignUnderTest) -> Digest:
    page = system.campaign / "sites" / "calls" / "src" / "index.html"
    page.write_text(page.read_text() + "<!-- another release -->\n")
    release: str = system.verb("publish", "site/calls")["release"]
    return Digest(release)


def _open_campaign(system: CampaignUnderTest) -> CliParts:
    return compose_cli(load_node(system.run / "node.json"), SystemClock())


def _visitor(system: CampaignUnderTest, source: str, headers: dict[str, str]) -> Callable[[], int]:
    """Return a question that comes from another loopback address."""
    host, _, port = system.ingress.rpartition(":")
    http = urllib3.HTTPConnectionPool(host, int(port), source_address=(source, 0), retries=False, timeout=5.0)
    return lambda: http.request("GET", "/", headers=headers).status


def _seconds_until(holds: Callable[[], bool]) -> float:
    begun = time.perf_counter()
    while not holds():
        if time.perf_counter() - begun > _ARRIVES_SECONDS:
            raise AssertionError(f"the ingress did not follow within {_ARRIVES_SECONDS:.0f} s")
    return time.perf_counter() - begun
