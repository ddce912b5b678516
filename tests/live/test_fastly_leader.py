"""The leader for Fastly, its driver, and an API that keeps Fastly's limits: from a moved pointer to what was read back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.policy import Policy
from handshake.campaign.settings import CampaignSettings
from handshake.catalog.codec import encode
from handshake.catalog.entries import Write
from handshake.catalog.keys import NODES
from handshake.core.digest import Digest, digest_bytes
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.subject import Kind, Subject
from handshake.drivers.directory.store import make_region
from handshake.drivers.fastly.account import FastlyAccount
from handshake.drivers.fastly.service import FastlyApiService
from handshake.edge.cache.purge import Purges, read_purge
from handshake.edge.fastly.live_data import FastlyData
from handshake.edge.fastly.plan import FastlyPlanner
from handshake.edge.fastly.reconcile import FastlyCycle, FastlyEdge, FastlyPurges
from handshake.edge.fastly.settings import FastlySettings
from handshake.edge.lists.changes import ListHead
from handshake.edge.lists.lists import Lists
from handshake.edge.lists.reader import ListReader, ListSnapshotStore
from handshake.edge.lists.switches import Switches
from handshake.fleet.nodes import NodeRecord
from handshake.gateway.policy import GatewayPolicy
from handshake.gateway.reader import Gateway
from handshake.leader.leadership import Leadership
from handshake.pointers.acks import (
    FASTLY,
    PURGES_SUBJECT,
    SWITCHES_SUBJECT,
    Ack,
    AckWriter,
    Place,
    Role,
    acks_of,
    list_subject,
    read_acks,
)
from handshake.pointers.pointer import Pointer
from handshake.pointers.settling import Refused, Settled, judge_arrivals
from tests.live.fastly_api import SERVICE, TOKEN, FastlyApi, run_fastly_api
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

EDGE = """
[switches.siege]
description = "closed"
[lists.wall]
kind = "network"
entries = ["192.0.2.0/24"]
[lists.agents]
kind = "text"
[[rule]]
name = "wall"
phase = "admit"
when = "client.ip in list.wall || switch.siege || request.user_agent in list.agents"
respond = { status = 403, body = "no" }
[[rule]]
name = "cards"
phase = "admit"
when = 'request.path == "/donate"'
decoy = { answers = [{ status = 201 }, { status = 402 }] }
"""
SUBJECT = Subject(kind=Kind.POLICY, name="system")
CACHE = Place(role=Role.CACHE, node="n1")


class PartialReader(ListReader):
    """A reader that cannot have every list."""

    missing = ""

    def open(self, name: str) -> tuple[int, ListHead]:
        """Read a list's head."""
        if name == self.missing:
            raise UnavailableError(f"list {name} cannot be read")
        return super().open(name)


class System:
    """A leader's Fastly, and verbs that change what it follows."""

    def __init__(self, api: FastlyApi, folder: Path) -> None:
        self.api, self.catalog, self.clock = api, MemoryCatalog(), FakeClock(time.time())
        shelf = ListSnapshotStore([make_region(folder / "a", "a")])
        self.lists = Lists(self.catalog, self.clock, shelf)
        self.switches = Switches(self.catalog, self.clock)
        acks = AckWriter(self.catalog, self.clock, FASTLY)
        self.reader = PartialReader(self.catalog, shelf)
        self.data = FastlyData(
            catalog=self.catalog,
            clock=self.clock,
            acks=acks,
            lists=self.reader,
            read_seal_key=lambda: "c2VhbA==",
        )
        self.purges = Purges(self.catalog, self.clock)
        self.edge = FastlyEdge(
            acks=acks,
            clock=self.clock,
            data=self.data,
            purges=FastlyPurges(catalog=self.catalog, clock=self.clock, acks=acks),
            connect=self.connect,
        )
        self.live = self._apply(EDGE, revision=1, stable=None)

    def connect(self, settings: FastlySettings) -> FastlyApiService:
        """Return the service, through the driver."""
        account = FastlyAccount(api=settings.api, token=TOKEN, clock=self.clock)
        return FastlyApiService(account, settings.service_id)

    def apply(self, text: str) -> None:
        """Move the policy's pointer on."""
        before = self.live.pointer
        self.live = self._apply(text, revision=before.revision + 1, stable=before.release)

    def go_back(self) -> None:
        """Do what the leader does with a refused pointer."""
        self.apply(EDGE)

    def ban(self, *entries: str, seconds: float = 3600) -> None:
        """Put entries on the wall."""
        self.lists.add_all("wall", entries, seconds=seconds, author="ann", reason="bots")

    def join(self) -> None:
        """Let the campaign's node join."""
        record = NodeRecord(name=CACHE.node, address="127.0.0.1", is_home=True, at=self.clock.now())
        self.catalog.transact([Write(key=NODES + CACHE.node, value=encode(record))])

    def forget(self, *tags: str, urls: Sequence[str] = (), is_soft: bool = False) -> int:
        """Order a purge."""
        return self.purges.order(read_purge(tags, urls, is_soft=is_soft), author="ann", reason="typo")

    def follow_with_cache(self, revision: int) -> None:
        """Acknowledge a purge as the cache of a node that has joined."""
        AckWriter(self.catalog, self.clock, CACHE).serve(PURGES_SUBJECT, revision, "the cache forgot 1 pages")

    def arrive(self) -> str:
        """Publish, and look again once it is active."""
        self.edge.cycle(self.live)
        return self.edge.cycle(self.live).sentence

    @property
    def fastly(self) -> FastlySettings:
        """What the campaign says of Fastly."""
        assert self.live.policy.campaign.fastly
        return self.live.policy.campaign.fastly

    def ack(self, subject: str) -> Ack:
        """Return Fastly's word about a subject."""
        (ack,) = (ack for ack in acks_of(subject, read_acks(self.catalog)) if ack.place == str(FASTLY))
        return ack

    def judge(self) -> object:
        """Return what the leader makes of the pointer, where Fastly alone is asked."""
        (arrival,) = judge_arrivals([self.live.pointer], read_acks(self.catalog), (), has_fastly=True)
        return arrival

    def _apply(self, text: str, *, revision: int, stable: Digest | None) -> LivePolicy:
        campaign = CampaignSettings.model_validate(
            {
                "name": "system",
                "regions": {"east": {"listen": "127.0.0.1:8101"}},
                "sites": {"calls": {"source": "sites/calls", "mount": "/calls"}},
                "fastly": {
                    "service_id": SERVICE,
                    "domain": "www.example.org",
                    "origin": "origin.example.org",
                    "api": self.api.url,
                    "capacity": 100,
                    "shards": 2,
                },
            }
        )
        gateway = Gateway(policy=GatewayPolicy(), description="{}")
        pointer = Pointer(
            subject=SUBJECT,
            release=digest_bytes(text.encode()),
            revision=revision,
            stable=stable,
            moved_by="ann",
            reason="test",
            moved_at=0.0,
        )
        return LivePolicy(
            policy=Policy(campaign=campaign, edge=read_text(text), gateway=gateway), pointer=pointer
        )


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """Serve an API, and lead."""
    with run_fastly_api(FastlyApi(capacity=100)) as api:
        yield System(api, tmp_path)


def test_a_policy_is_served_once_it_is_read_back(system: System) -> None:
    """Between Fastly's acceptance and the truth nothing is acknowledged; then the policy settles."""
    system.api.activation_seconds = 0.3
    assert system.edge.cycle(system.live).sentence == "vendor_accepted: version 2"
    assert "not active yet" in system.edge.cycle(system.live).sentence
    assert not read_acks(system.catalog)
    time.sleep(0.35)
    system.edge.cycle(system.live)
    assert system.ack(str(SUBJECT)).proof == "vendor_accepted and read_back: version 2 is active"
    assert system.judge() == Settled(pointer=system.live.pointer)
    assert system.api.active == 2 and len(system.api.versions) == 2


def test_containers_are_filled_before_a_version_serves(system: System) -> None:
    """The first request that a new version answers meets the whole list, the switches and the key of seals."""
    system.ban("203.0.113.7")
    system.switches.set("siege", is_on=True, default=False, owner="ann", reason="x", seconds=60)
    system.edge.cycle(system.live)
    held = system.api.held("hs_list_wall_1") | system.api.held("hs_list_wall_2")
    assert held == {"192.0.2.0/24", "203.0.113.7"}
    assert system.api.held("hs_switches") == {"siege"}
    assert system.api.held("hs_seals") == {"key"}


def test_a_ban_reaches_fastly_without_a_version(system: System) -> None:
    """A changed list is a batch of entries, acknowledged at its revision after it was read back."""
    system.arrive()
    system.ban("203.0.113.7")
    assert system.edge.cycle(system.live).changed
    ack = system.ack(list_subject("wall"))
    assert ack.revision == 1 and ack.proof.startswith("vendor_accepted and read_back: 2 entries")
    assert system.api.active == 2 and len(system.api.versions) == 2
    assert not system.edge.cycle(system.live).changed


@pytest.mark.parametrize(("missing", "other"), [("wall", "agents"), ("agents", "wall")])
def test_a_list_that_cannot_be_read_holds_up_no_other(system: System, missing: str, other: str) -> None:
    """The other list is brought up to date and acknowledged before anybody hears of the missing one."""
    system.arrive()
    system.ban("203.0.113.7")
    system.lists.add("agents", "evil bot/1.0", seconds=None, author="ann", reason="bots")
    system.reader.missing = missing

    with pytest.raises(UnavailableError, match=f"list {missing} cannot be read"):
        system.edge.cycle(system.live)

    assert system.ack(list_subject(other)).revision == 1
    assert not acks_of(list_subject(missing), read_acks(system.catalog))


def test_a_lease_that_ends_is_taken_out(system: System) -> None:
    """ACLs know no end, so the leader takes out what has ended; switches and texts end by themselves."""
    system.arrive()
    system.ban("203.0.113.7", seconds=60)
    system.edge.cycle(system.live)
    system.clock.advance(61)
    system.edge.cycle(system.live)
    assert system.api.held("hs_list_wall_1") | system.api.held("hs_list_wall_2") == {"192.0.2.0/24"}


def test_what_does_not_fit_is_named(system: System) -> None:
    """Neighbours are put together, the newest go first, and the ack names what stays out."""
    system.arrive()
    old = [f"198.51.{number // 128}.{number % 128 * 2}" for number in range(205)]
    system.ban(*old)
    system.clock.advance(1)
    system.ban("203.0.113.7")
    system.edge.cycle(system.live)
    ack = system.ack(list_subject("wall"))
    assert "read_back: 200 entries in 2 containers; 7 did not fit: 198.51." in ack.proof
    held = system.api.held("hs_list_wall_1") | system.api.held("hs_list_wall_2")
    assert {"203.0.113.7", "192.0.2.0/24"} <= held
    assert len(held) == 200


def test_less_room_than_was_said_is_noticed(system: System) -> None:
    """Where Fastly cuts off in silence, nothing is acknowledged and the hint says which setting is wrong."""
    system.arrive()
    system.api.capacity = 1
    for number in range(4):
        system.ban(f"203.0.113.{2 * number}")
    with pytest.raises(UnavailableError) as noticed:
        system.edge.cycle(system.live)
    assert "3 are missing" in noticed.value.what and "capacity" in noticed.value.hint
    assert not acks_of(list_subject("wall"), read_acks(system.catalog))


def test_a_version_that_does_not_validate_leaves_the_old_one(system: System) -> None:
    """Fastly's words become a refusal, the old version serves on, and no draft is made again and again."""
    system.arrive()
    system.api.find_fault = lambda text: "Unknown variable" if "Bad Taco" in text else ""
    system.apply(EDGE.replace('body = "no"', 'body = "Bad Taco."'))
    with pytest.raises(RefusedError):
        system.edge.cycle(system.live)
    versions = len(system.api.versions)
    system.edge.cycle(system.live)
    arrival = system.judge()
    assert isinstance(arrival, Refused) and "Unknown variable" in arrival.why
    assert (system.api.active, len(system.api.versions)) == (2, versions)


def test_going_back_serves_what_was_before(system: System) -> None:
    """A pointer that moves back is a version with the text of before, and live data stay as they are."""
    system.arrive()
    before = system.api.versions[2].vcls
    system.apply(EDGE.replace("403", "451"))
    system.arrive()
    system.ban("203.0.113.7")
    system.go_back()
    system.arrive()
    version = system.api.versions[system.api.active or 0]
    assert version.vcls == before
    assert "203.0.113.7" in system.api.held("hs_list_wall_1") | system.api.held("hs_list_wall_2")


def test_switches_are_acknowledged(system: System) -> None:
    """A switch is an item whose value is the end of its lease."""
    system.arrive()
    until = system.clock.now() + 60
    system.switches.set("siege", is_on=True, default=False, owner="ann", reason="x", seconds=60)
    system.edge.cycle(system.live)
    number = system.api.versions[2].dictionaries["hs_switches"]["id"]
    assert system.api.items[number] == {"siege": str(int(until))}
    assert system.ack(SWITCHES_SUBJECT).revision > 0


def test_a_purge_reaches_fastly_behind_the_caches(system: System) -> None:
    """Fastly forgets what the campaign's own caches have forgotten, by tag and by address; then its word is an ack."""
    system.join()
    system.arrive()
    revision = system.forget("news", urls=["https://WWW.example.org/a?b=c"])
    assert not system.edge.cycle(system.live).changed
    assert system.api.purges == []
    system.follow_with_cache(revision)
    assert system.edge.cycle(system.live).sentence == "purged 2 tags and pages"
    page = sha256(b"www.example.org/a?b=c").hexdigest()
    assert system.api.purges == [(("news", page), False)]
    ack = system.ack(PURGES_SUBJECT)
    assert (ack.revision, ack.proof) == (revision, "vendor_accepted: Fastly purges 2 tags and pages")
    assert not system.edge.cycle(system.live).changed


def test_many_orders_are_few_calls(system: System) -> None:
    """Orders that have gathered are carried out together, soft ones apart, 256 tags a call, each tag once."""
    system.arrive()
    for number in range(300):
        system.forget(f"tag-{number}", "all")
    system.forget("soft", is_soft=True)
    system.edge.cycle(system.live)
    assert [(len(tags), is_soft) for tags, is_soft in system.api.purges] == [
        (256, False),
        (45, False),
        (1, True),
    ]
    assert system.ack(PURGES_SUBJECT).revision == 301


def test_a_cache_that_is_gone_keeps_no_page_at_fastly(system: System) -> None:
    """After ten seconds without a cache's word, Fastly forgets all the same; a new leader does not ask it again."""
    system.join()
    system.arrive()
    system.forget("news")
    system.clock.advance(11)
    system.edge.cycle(system.live)
    assert system.api.purges == [(("news",), False)]
    acks = AckWriter(system.catalog, system.clock, FASTLY)
    again = FastlyPurges(catalog=system.catalog, clock=system.clock, acks=acks)
    assert again.follow(system.connect(system.fastly), system.live) == ()


def test_a_purge_that_fails_is_tried_again(system: System) -> None:
    """While Fastly does not answer, nothing is acknowledged; then the order is carried out."""
    system.arrive()
    system.forget("news")
    system.api.is_down = True
    with pytest.raises(UnavailableError):
        system.edge.cycle(system.live)
    system.api.is_down = False
    system.edge.cycle(system.live)
    assert system.api.purges == [(("news",), False)]


def test_a_silent_api_is_asked_with_growing_pauses(system: System) -> None:
    """While Fastly does not answer, the loop says so and waits longer each time; then it goes on by itself."""
    leadership = Leadership(system.catalog, "test")
    cycle = FastlyCycle(
        is_leading=lambda: leadership.is_held,
        clock=system.clock,
        edge=system.edge,
        read_live=lambda: system.live,
    )
    assert cycle.cycle().sentence == "another process leads"
    leadership.keep()
    system.api.is_down = True
    assert "Fastly's API fails with 503" in cycle.cycle().sentence
    system.api.is_down = False
    assert not cycle.cycle().changed
    system.clock.advance(6)
    assert cycle.cycle().sentence == "vendor_accepted: version 2"


def test_a_plan_shows_the_difference_and_what_has_no_room(system: System) -> None:
    """Before anything is applied: the version's difference, new containers, and which entries will stay out."""
    planner = FastlyPlanner(data=system.data, connect=system.connect)
    told = planner.plan(system.live.policy)
    assert {
        "+fastly acl hs_list_wall_1",
        "+fastly dictionary hs_switches",
        "+fastly domain www.example.org",
    } <= {*told}
    assert any(line.startswith("+") and "# edge.toml:" in line and line.endswith(" wall") for line in told)
    assert any(line.endswith("# handshake.toml: routed by the ingress: /calls") for line in told)
    assert any(line.startswith("fastly: site calls: routed by the ingress") for line in told)
    system.arrive()
    assert planner.plan(system.live.policy) == ()
    system.ban(*(f"198.51.{number // 128}.{number % 128 * 2}" for number in range(201)))
    (unfit,) = planner.plan(system.live.policy)
    assert unfit.startswith("fastly: list wall: 2 did not fit: 198.51.")
    system.api.is_down = True
    assert planner.plan(system.live.policy)[0].startswith("fastly: not compared: Fastly's API fails with 503")


def test_a_campaign_without_fastly_asks_nobody(system: System) -> None:
    """Where handshake.toml names no service, there is nothing to do."""
    campaign = system.live.policy.campaign.model_copy(update={"fastly": None})
    live = replace(system.live, policy=replace(system.live.policy, campaign=campaign))
    system.api.is_down = True
    assert system.edge.cycle(live).sentence == "Fastly is not configured"
