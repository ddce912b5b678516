"""An ack says what a program was read back to serve, never what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import pytest

from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.policy import read_policy
from handshake.catalog.entries import Endpoint, Endpoints
from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.outcome import Outcome
from handshake.core.subject import Kind, Subject
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.reconcile import CacheReconciler
from handshake.edge.ingress.compile.maps import SWITCHES_MAP
from handshake.edge.ingress.compile.target import IngressTarget
from handshake.edge.ingress.reconcile import IngressReconciler
from handshake.edge.ingress.runtime_maps import IngressMap
from handshake.gateway.haproxy import GatewayListener, GatewayTarget
from handshake.gateway.pool import AddMember, PoolStep
from handshake.gateway.reconcile import GatewayReconciler
from handshake.pointers.acks import (
    SWITCHES_SUBJECT,
    Ack,
    AckWriter,
    Place,
    Refusal,
    Role,
    acks_of,
    pool_subject,
    read_acks,
)
from handshake.pointers.pointer import Pointer
from handshake.release.manifest import Manifest
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.control.places import Temper, ToldCache, ToldGateway, ToldIngress

CAMPAIGN = Path(__file__).parents[3] / "examples" / "campaign"
POLICY = "policy/campaign"
CALLS = "site/calls"
NODE = "n1"
HAMM = Endpoints(index=41, endpoints=(Endpoint(id="hamm-a", service="hamm", host="127.0.0.1", port=20000),))
SWITCH_ON = IngressMap(name=SWITCHES_MAP, entries={"non_us_ban": "99"}, subject=SWITCHES_SUBJECT, revision=3)


@pytest.fixture
def catalog() -> MemoryCatalog:
    """A catalogue without any ack."""
    return MemoryCatalog()


@pytest.fixture(scope="module")
def live() -> LivePolicy:
    """The example campaign's policy, at revision 5, one stable release behind it."""
    return LivePolicy(policy=read_policy(CAMPAIGN), pointer=pointer_to(POLICY, 5))


def pointer_to(subject: str, revision: int) -> Pointer:
    """Return a pointer that has just been moved away from a stable release."""
    kind, _, name = subject.partition("/")
    return Pointer(
        subject=Subject(kind=Kind(kind), name=name),
        release=digest_bytes(b"the new one"),
        revision=revision,
        stable=digest_bytes(b"the old one"),
        moved_by="ada",
        reason="tried",
        moved_at=0.0,
    )


def writer(catalog: MemoryCatalog, role: Role) -> AckWriter:
    """Return the pen of one place."""
    return AckWriter(catalog, FakeClock(), Place(role=role, node=NODE))


def turn_ingress(
    catalog: MemoryCatalog,
    live: LivePolicy,
    ingress: ToldIngress,
    maps: tuple[IngressMap, ...] = (SWITCH_ON,),
) -> Outcome:
    """Let the ingress's reconciler act once, with one switch set."""
    target = IngressTarget(
        digest="",
        listeners=(),
        runtime_socket="/run/ingress.sock",
        maps="/run/maps",
        cache_socket="/run/cache.sock",
        regions=(),
        decoy_key="a2V5",
    )
    ingress_acks = writer(catalog, Role.INGRESS)
    return IngressReconciler(ingress=ingress, acks=ingress_acks, target=target).cycle(live, maps)


def turn_cache(catalog: MemoryCatalog, live: LivePolicy, cache: ToldCache) -> Outcome:
    """Let the cache's reconciler act once, with one site."""
    site = pointer_to(CALLS, 2)
    reconciler = CacheReconciler(
        cache=cache,
        acks=writer(catalog, Role.CACHE),
        target=CacheTarget(
            gateway_socket="/run/gateway.sock", regions=(RegionSocket(name="east", socket="/run/east.sock"),)
        ),
        manifest_of=lambda _: Manifest(kind=Kind.SITE, files=()),
    )
    return reconciler.cycle(live, {site.subject: site})


def turn_gateway(
    catalog: MemoryCatalog,
    live: LivePolicy,
    gateway: ToldGateway,
    wanted: Mapping[str, Endpoints] = MappingProxyType({"hamm": HAMM}),
) -> Outcome:
    """Let the gateway's reconciler act once, with one endpoint of one service."""
    reconciler = GatewayReconciler(
        router=gateway,
        program=gateway,
        acks=writer(catalog, Role.GATEWAY),
        target=GatewayTarget(
            digest="", listener=GatewayListener(path=Path("/run/g.sock")), runtime_socket=Path("/run/a.sock")
        ),
    )
    return reconciler.cycle(live, wanted)


def served(catalog: MemoryCatalog) -> dict[str, int]:
    """Return what is acknowledged: subject -> revision."""
    return {ack.subject: ack.revision for ack in read_acks(catalog) if ack.revision}


def the_ack(catalog: MemoryCatalog, subject: str) -> Ack:
    """Return the one ack of a subject."""
    (ack,) = acks_of(subject, read_acks(catalog))
    return ack


class TestIngress:
    def test_what_it_does_is_acknowledged(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """An ingress that serves the policy and holds the map has both acknowledged, in its own words."""
        ingress = ToldIngress(temper=Temper.DOES)

        turn_ingress(catalog, live, ingress)

        assert served(catalog) == {POLICY: 5, SWITCHES_SUBJECT: 3}
        assert ingress.serving in the_ack(catalog, POLICY).proof

    def test_what_it_swallows_is_not(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """An ingress that accepts every command and carries none out has nothing acknowledged."""
        turn_ingress(catalog, live, ToldIngress(temper=Temper.SWALLOWS))

        assert read_acks(catalog) == ()

    def test_a_map_that_never_fills_is_not(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """An ingress that serves the policy but swallows a switch has only the policy acknowledged."""
        ingress = ToldIngress(temper=Temper.DOES)
        turn_ingress(catalog, live, ingress)
        turn_ingress(catalog, at_revision(live, 6), replace(ingress, temper=Temper.SWALLOWS, maps={}))

        assert served(catalog) == {POLICY: 6, SWITCHES_SUBJECT: 3}

    def test_a_refusal_is_recorded(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """An ingress that refuses a policy says so, and keeps the ack of what it serves."""
        ingress = ToldIngress(temper=Temper.DOES)
        turn_ingress(catalog, live, ingress)

        with pytest.raises(RefusedError):
            turn_ingress(catalog, at_revision(live, 6), ToldIngress(temper=Temper.REFUSES))

        assert the_ack(catalog, POLICY).revision == 5
        assert_refused(catalog, POLICY, 6)

    def test_a_refused_policy_holds_up_no_switch(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """While an ingress refuses a policy, it goes on following what operators set."""
        with pytest.raises(RefusedError):
            turn_ingress(catalog, live, StubbornIngress(temper=Temper.DOES))

        assert served(catalog) == {SWITCHES_SUBJECT: 3}
        assert_refused(catalog, POLICY, 5)

    def test_a_map_that_is_refused_holds_up_no_other(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """What the ingress refuses of one map is raised after all others are brought up to date."""
        odd = replace(SWITCH_ON, name="odd", subject="odd", revision=1)
        with pytest.raises(RefusedError, match="no map odd"):
            turn_ingress(catalog, live, StubbornIngress(temper=Temper.DOES, accepts=True), (odd, SWITCH_ON))

        assert served(catalog) == {POLICY: 5, SWITCHES_SUBJECT: 3}


class TestCache:
    def test_what_it_does_is_acknowledged(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """A cache that flips has the policy and every site of the new program acknowledged."""
        cache = ToldCache(temper=Temper.DOES)

        turn_cache(catalog, live, cache)

        assert served(catalog) == {POLICY: 5, CALLS: 2}
        assert cache.serving in the_ack(catalog, CALLS).proof

    def test_what_it_swallows_is_not(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """A cache that says yes to the flip and does not flip has nothing acknowledged."""
        turn_cache(catalog, live, ToldCache(temper=Temper.SWALLOWS))

        assert read_acks(catalog) == ()

    def test_a_refusal_is_recorded(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """A program that does not compile is refused for everything that it would have made served."""
        with pytest.raises(RefusedError):
            turn_cache(catalog, live, ToldCache(temper=Temper.REFUSES))

        assert served(catalog) == {}
        assert_refused(catalog, POLICY, 5)
        assert_refused(catalog, CALLS, 2)


class TestGateway:
    def test_what_it_does_is_acknowledged(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """A gateway that serves the policy and opens the member has both acknowledged."""
        gateway = ToldGateway(temper=Temper.DOES, pools={"hamm": ()})

        turn_gateway(catalog, live, gateway)

        assert served(catalog) == {POLICY: 5, pool_subject("hamm"): 41}
        assert gateway.serving in the_ack(catalog, POLICY).proof
        assert "hamm-a at 127.0.0.1:20000 open, up" in the_ack(catalog, pool_subject("hamm")).proof

    def test_what_it_swallows_is_not(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """A gateway that accepts configuration and member and takes neither has nothing acknowledged."""
        outcome = turn_gateway(catalog, live, ToldGateway(temper=Temper.SWALLOWS, pools={"hamm": ()}))

        assert read_acks(catalog) == ()
        assert "hamm-a is not serving yet" in outcome.sentence

    def test_a_refusal_is_recorded(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """A gateway that refuses a policy says so, and nothing is acknowledged."""
        with pytest.raises(RefusedError):
            turn_gateway(catalog, live, ToldGateway(temper=Temper.REFUSES, pools={"hamm": ()}))

        assert served(catalog) == {}
        assert_refused(catalog, POLICY, 5)

    def test_a_refused_policy_holds_up_no_pool(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """While a gateway refuses a policy, members still come into the pools that it has."""
        with pytest.raises(RefusedError):
            turn_gateway(catalog, live, StubbornGateway(temper=Temper.DOES, pools={"hamm": ()}))

        assert served(catalog) == {pool_subject("hamm"): 41}
        assert_refused(catalog, POLICY, 5)

    def test_a_refused_member_holds_up_no_other_pool(self, catalog: MemoryCatalog, live: LivePolicy) -> None:
        """A step that is refused in one pool is raised after the others took theirs."""
        odd = Endpoint(id="odd-a", service="odd", host="127.0.0.1", port=20001)
        wanted = {"odd": Endpoints(index=7, endpoints=(odd,)), "hamm": HAMM}
        gateway = StubbornGateway(temper=Temper.DOES, pools={"odd": (), "hamm": ()}, accepts=True)
        with pytest.raises(RefusedError, match="no member of odd"):
            turn_gateway(catalog, live, gateway, wanted)

        assert served(catalog) == {POLICY: 5, pool_subject("hamm"): 41}


@dataclass(kw_only=True)
class StubbornIngress(ToldIngress):
    """An ingress that has no map `odd`, and refuses configurations unless it accepts them."""

    accepts: bool = False

    def reconfigure(self, text: str, digest: str) -> None:
        """Serve another configuration."""
        (Temper.DOES if self.accepts else Temper.REFUSES).accepts()
        super().reconfigure(text, digest)

    def show_map(self, name: str) -> dict[str, str]:
        """Return what a map holds."""
        if name == "odd":
            raise RefusedError("HAProxy has no map odd")
        return super().show_map(name)


@dataclass(kw_only=True)
class StubbornGateway(ToldGateway):
    """A gateway that takes no member of `odd`, and refuses configurations unless it accepts them."""

    accepts: bool = False

    def reconfigure(self, text: str, digest: str) -> None:
        """Serve another configuration."""
        (Temper.DOES if self.accepts else Temper.REFUSES).accepts()
        super().reconfigure(text, digest)

    def apply(self, step: PoolStep) -> None:
        """Carry out one step."""
        if step.service == "odd" or (isinstance(step, AddMember) and step.endpoint.service == "odd"):
            raise RefusedError("it takes no member of odd")
        super().apply(step)


def at_revision(live: LivePolicy, revision: int) -> LivePolicy:
    """Return the same policy, moved once more."""
    return LivePolicy(policy=live.policy, pointer=replace(live.pointer, revision=revision))


def assert_refused(catalog: MemoryCatalog, subject: str, revision: int) -> None:
    """Require that a subject's revision was refused, with the program's words."""
    reason = "it does not accept the configuration: line 7: no such word"
    assert the_ack(catalog, subject).refusal == Refusal(revision=revision, reason=reason)
