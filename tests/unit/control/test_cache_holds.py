"""A site that cannot move stays as it is, and nothing else of its cache waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.policy import read_policy
from handshake.campaign.settings import CampaignSiteSettings
from handshake.core.digest import Digest, digest_bytes, digits
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.core.outcome import Outcome
from handshake.core.subject import Kind, Subject
from handshake.edge.cache.cache import Purge
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.purge import PurgeOrder
from handshake.edge.cache.reconcile import CacheReconciler
from handshake.pointers.acks import PURGES_SUBJECT, AckWriter, Place, Refusal, Role, acks_of, read_acks
from handshake.pointers.pointer import Pointer
from handshake.release.manifest import Manifest, ManifestFile
from handshake.site.copy.schedule import SUBJECT as COPY
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.control.places import Temper, ToldCache

CAMPAIGN = Path(__file__).parents[3] / "examples" / "campaign"
CALLS, OTHER = Subject(kind=Kind.SITE, name="calls"), Subject(kind=Kind.SITE, name="other")
REFUSED = RefusedError("the edge does not understand the release", details="no such word")
UNREADABLE = UnavailableError("no region answers")
ERRORS = pytest.mark.parametrize("error", [REFUSED, UNREADABLE], ids=["refused", "unreadable"])


def name_release(subject: Subject, version: int) -> Digest:
    """Return the name of a version of a site."""
    return digest_bytes(f"{subject} {version}".encode())


@dataclass(kw_only=True)
class ReadCache(ToldCache):
    """A cache that remembers the texts that it was given."""

    texts: dict[str, str] = field(default_factory=dict)

    def prepare(self, name: str, text: str) -> None:
        """Take in a program."""
        super().prepare(name, text)
        self.texts[name] = text

    def shows(self, subject: Subject, version: int) -> bool:
        """Return whether the program that serves has a release in it."""
        return digits(name_release(subject, version)) in self.texts[self.serving]


@dataclass(kw_only=True)
class Node:
    """A cache with two sites and a fallback copy, each at its first version, which is the stable one."""

    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    cache: ReadCache = field(default_factory=lambda: ReadCache(temper=Temper.DOES, serving=""))
    errors: dict[Digest, HandshakeError] = field(default_factory=dict)
    pointers: dict[Subject, Pointer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        policy = read_policy(CAMPAIGN)
        sites = {
            its.name: CampaignSiteSettings(source=its.name, mount=f"/{its.name}") for its in (CALLS, OTHER)
        }
        copying = policy.campaign.fallback_copy.model_copy(update={"pages": ("/",)})
        campaign = policy.campaign.model_copy(update={"sites": sites, "fallback_copy": copying})
        subject = Subject(kind=Kind.POLICY, name="campaign")
        release = digest_bytes(b"policy")
        pointer = replace(_point(CALLS, 1), subject=subject, release=release, stable=release)
        self.live = LivePolicy(policy=replace(policy, campaign=campaign), pointer=pointer)
        self.pointers = {its: _point(its, 1) for its in (CALLS, OTHER, COPY)}
        self.restart_agent()

    def restart_agent(self) -> None:
        """Forget everything that an agent keeps in memory."""
        self.reconciler = CacheReconciler(
            cache=self.cache,
            acks=AckWriter(self.catalog, FakeClock(), Place(role=Role.CACHE, node="n1")),
            target=CacheTarget(
                gateway_socket="/run/gateway.sock",
                regions=(RegionSocket(name="east", socket="/run/east.sock"),),
            ),
            manifest_of=self._manifest_of,
        )

    def move(self, *subjects: Subject) -> None:
        """Move pointers to their second version."""
        self.pointers |= {its: replace(_point(its, 2), stable=name_release(its, 1)) for its in subjects}

    def fail(self, subject: Subject, version: int, error: HandshakeError) -> None:
        """Let a manifest be refused, or unreadable for the moment."""
        self.errors[name_release(subject, version)] = error

    def turn(self, *purges: PurgeOrder) -> Outcome:
        """Let the reconciler act once."""
        return self.reconciler.cycle(self.live, self.pointers, purges)

    def served(self) -> dict[str, int]:
        """Return what is acknowledged: subject -> revision."""
        return {ack.subject: ack.revision for ack in read_acks(self.catalog) if ack.revision}

    def refusal(self, subject: Subject) -> Refusal | None:
        """Return what is refused of a subject."""
        return next((ack.refusal for ack in acks_of(str(subject), read_acks(self.catalog))), None)

    def _manifest_of(self, release: Digest) -> Manifest:
        if release in self.errors:
            raise self.errors[release]
        page = ManifestFile(path="index.html", digest=digest_bytes(b""), size=0)
        return Manifest(kind=Kind.SITE, files=(page,))


def _point(subject: Subject, version: int) -> Pointer:
    release = name_release(subject, version)
    return Pointer(
        subject=subject,
        release=release,
        revision=version,
        stable=release,
        moved_by="ada",
        reason="tried",
        moved_at=0.0,
    )


def order() -> PurgeOrder:
    """Return an order to forget everything that has a tag."""
    return PurgeOrder(revision=1, purge=Purge(tags=("home",)), author="ada", reason="tried", at=0.0)


@pytest.fixture
def node() -> Node:
    """Return a node whose cache serves the first versions."""
    node = Node()
    node.turn()
    return node


@ERRORS
@pytest.mark.parametrize("held", [CALLS, COPY], ids=str)
def test_one_that_cannot_move_stops_nothing_else(node: Node, held: Subject, error: HandshakeError) -> None:
    """The site goes on with what it shows; the other site, the policy and purges move and are acknowledged."""
    node.move(held, OTHER)
    node.fail(held, 2, error)
    node.live = LivePolicy(policy=node.live.policy, pointer=replace(node.live.pointer, revision=2))

    outcome = node.turn(order())

    assert node.cache.shows(held, 1)
    assert not node.cache.shows(held, 2)
    assert node.cache.shows(OTHER, 2)
    assert {
        str(OTHER): 2,
        str(held): 1,
        PURGES_SUBJECT: 1,
        "policy/campaign": 2,
    }.items() <= node.served().items()
    assert f"{held} stays unchanged: {error.what}" in outcome.sentence


def test_what_is_refused_is_recorded_of_that_site_alone(node: Node) -> None:
    """A refusal names the site's revision, so that the leader takes it back; nobody waits to look again soon."""
    node.move(CALLS, OTHER)
    node.fail(CALLS, 2, REFUSED)

    outcome = node.turn()

    assert node.refusal(CALLS) == Refusal(revision=2, reason=f"{REFUSED.what}: {REFUSED.details}")
    assert node.refusal(OTHER) is None
    assert not outcome.is_waiting


def test_what_cannot_be_read_is_tried_again(node: Node) -> None:
    """Nothing is refused meanwhile; once the manifest can be read, the site moves."""
    node.move(CALLS)
    node.fail(CALLS, 2, UNREADABLE)
    assert node.turn().is_waiting
    assert node.refusal(CALLS) is None

    node.errors.clear()
    node.turn()

    assert node.cache.shows(CALLS, 2)
    assert node.served()[str(CALLS)] == 2


@ERRORS
def test_a_new_agent_shows_the_stable_release(node: Node, error: HandshakeError) -> None:
    """An agent that knows nothing of what the cache shows yet goes by the pointer's stable release."""
    node.move(CALLS, OTHER)
    node.fail(CALLS, 2, error)
    node.restart_agent()

    node.turn()

    assert node.cache.shows(CALLS, 1)
    assert node.cache.shows(OTHER, 2)


def test_a_new_agent_takes_nothing_away(node: Node) -> None:
    """Where what a running cache shows cannot be read, a new agent leaves the cache alone, but for purges."""
    before = node.cache.serving
    node.move(OTHER)
    node.fail(CALLS, 1, UNREADABLE)
    node.restart_agent()

    outcome = node.turn(order())

    assert node.cache.serving == before
    assert "left unchanged" in outcome.sentence
    assert node.served()[PURGES_SUBJECT] == 1
    node.errors.clear()
    node.turn()
    assert node.cache.shows(OTHER, 2)


@ERRORS
def test_a_site_that_was_never_shown_is_left_out(node: Node, error: HandshakeError) -> None:
    """The first release of a site may be unreadable: the other site moves on without it."""
    node.pointers[CALLS] = replace(node.pointers[CALLS], stable=None)
    node.fail(CALLS, 1, error)
    node.move(OTHER)
    node.restart_agent()

    node.turn()

    assert node.cache.shows(OTHER, 2)
    assert not node.cache.shows(CALLS, 1)


def test_purges_go_on_while_a_program_is_refused(node: Node) -> None:
    """A program that does not compile keeps no page alive that shall be forgotten."""
    node.move(OTHER)
    node.cache.temper = Temper.REFUSES

    with pytest.raises(RefusedError):
        node.turn(order())

    assert node.served()[PURGES_SUBJECT] == 1


def test_an_unreadable_list_of_files_stops_no_flip(node: Node) -> None:
    """What is fetched ahead is a favour: a manifest that can no longer be read keeps no release from being shown."""
    node.move(CALLS)
    node.reconciler.name_of(node.live, node.pointers)
    node.fail(CALLS, 2, UNREADABLE)

    node.turn()

    assert node.cache.shows(CALLS, 2)
