"""The Fastly reconciler, run by the leader: the service follows the policy, containers the live data, pages the purges."""

from __future__ import annotations

from collections.abc import Callable

from handshake.catalog.catalog import Catalog
from handshake.catalog.keys import PURGES as ORDERS
from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.core.outcome import Outcome
from handshake.edge.cache.purge import PurgeOrder, decode_purges
from handshake.edge.fastly.compile.caching import tags_of
from handshake.edge.fastly.compile.versions import WantedVersion, plan_version, want_version
from handshake.edge.fastly.live_data import FastlyData
from handshake.edge.fastly.service import FastlyService, Version
from handshake.edge.fastly.settings import FastlySettings
from handshake.edge.live_policy import CampaignPolicy, LiveEdgePolicy
from handshake.fleet.nodes import read_nodes
from handshake.pointers.acks import (
    FASTLY,
    PURGES_SUBJECT,
    Ack,
    AckWriter,
    acks_of,
    concerned_places,
    is_served,
    read_acks,
)

# Orders to forget pages, carried out at Fastly: behind the campaign's own caches, which would give it the old page again.

_CACHES_SECONDS = 10.0
"""How long to wait for the campaign's own caches; a node that is gone no longer refills Fastly."""


class FastlyPurges:
    """Fastly's purge orders. A new leader repeats what the previous one may not have done: it reads the ack."""

    def __init__(self, *, catalog: Catalog, clock: Clock, acks: AckWriter) -> None:
        self._catalog = catalog
        self._clock = clock
        self._acks = acks
        self._done = 0

    def follow(self, service: FastlyService, live: LiveEdgePolicy) -> tuple[str, ...]:
        """Carry out what is due, all orders of a kind at once, and return what was done, none where nothing was."""
        due = self._find_due(live)
        if not due:
            return ()
        tags = 0
        for is_soft in (False, True):
            wanted = [tag for order in due if order.purge.is_soft is is_soft for tag in tags_of(order.purge)]
            if wanted:
                service.purge(list(dict.fromkeys(wanted)), is_soft=is_soft)
            tags += len(wanted)
        self._done = due[-1].revision
        # Fastly answers with a number for each tag; nobody can ask its machines what they have forgotten.
        self._acks.serve(PURGES_SUBJECT, self._done, f"vendor_accepted: Fastly purges {tags} tags and pages")
        return (f"purged {tags} tags and pages",)

    def _find_due(self, live: LiveEdgePolicy) -> list[PurgeOrder]:
        entry = self._catalog.get(ORDERS)
        orders = [its for its in decode_purges([entry] if entry else []) if its.revision > self._done]
        if not orders:
            return []
        acks = acks_of(PURGES_SUBJECT, read_acks(self._catalog))
        self._done = max((ack.revision for ack in acks if ack.place == str(FASTLY)), default=self._done)
        return [its for its in orders if its.revision > self._done and self._is_due(its, acks, live)]

    def _is_due(self, order: PurgeOrder, acks: tuple[Ack, ...], live: LiveEdgePolicy) -> bool:
        caches = concerned_places(PURGES_SUBJECT, read_nodes(self._catalog, live.policy.campaign.nodes).named)
        is_late = self._clock.now() - order.at > _CACHES_SECONDS
        return is_late or is_served(order.revision, acks, caches)


_LOOK_AGAIN_SECONDS = 300.0
"""How long a read-back result stays valid: Fastly allows a thousand requests an hour, and others may make changes."""
_ACTIVATION_SECONDS = 600.0
"""Fastly promises an activation within ten minutes; it usually takes seconds."""


class FastlyEdge:
    """Moves the service to the state of policy, switches and lists."""

    def __init__(
        self,
        *,
        acks: AckWriter,
        clock: Clock,
        data: FastlyData,
        purges: FastlyPurges,
        connect: Callable[[FastlySettings], FastlyService],
    ) -> None:
        self._acks = acks
        self._clock = clock
        self._data = data
        self._purges = purges
        self._connect = connect
        self._refused = 0
        self._compiled: tuple[CampaignPolicy, WantedVersion] | None = None
        self._seen: tuple[WantedVersion, Version, float] | None = None
        self._accepted: tuple[str, int, float] = ("", 0, 0.0)

    def cycle(self, live: LiveEdgePolicy) -> Outcome:
        """Serve the policy, bring every container to what it should hold, then say what was read back."""
        settings = live.policy.campaign.fastly
        if settings is None:
            return Outcome(sentence="Fastly is not configured", changed=False)
        service = self._connect(settings)
        if purged := self._purges.follow(service, live):
            return Outcome(sentence=", ".join(purged), changed=True)
        if live.pointer.revision == self._refused:
            return Outcome(sentence=f"Fastly refused policy revision {self._refused}", changed=False)
        wanted = self._want(live.policy, settings)
        version = self._look(service, wanted)
        if version is None:
            return self._publish(service, live, wanted)
        proof = f"vendor_accepted and read_back: version {version.number} is active"
        self._acks.serve(str(live.pointer.subject), live.pointer.revision, proof)
        changed = self._data.follow(service, version, live, is_serving=True)
        sentence = f"Fastly serves version {version.number}"
        return Outcome(sentence=", ".join([sentence, *changed]), changed=bool(changed))

    def _want(self, policy: CampaignPolicy, settings: FastlySettings) -> WantedVersion:
        """Compile a policy once: a ban must not wait for five hundred rules."""
        if self._compiled is None or self._compiled[0] is not policy:
            wanted = want_version(
                policy.edge,
                settings.target(policy.campaign.mounts),
                origin=settings.backend(),
                domain=settings.domain,
            )
            self._compiled = (policy, wanted)
        return self._compiled[1]

    def _look(self, service: FastlyService, wanted: WantedVersion) -> Version | None:
        """Return the active version if it is what is wanted; what was read is believed for a while."""
        now = self._clock.monotonic()
        if self._seen and self._seen[0] is wanted and now - self._seen[2] < _LOOK_AGAIN_SECONDS:
            return self._seen[1]
        version = service.active()
        if version is None or not plan_version(version, wanted).is_empty:
            return None
        self._seen = (wanted, version, now)
        return version

    def _publish(self, service: FastlyService, live: LiveEdgePolicy, wanted: WantedVersion) -> Outcome:
        """Make a version, fill its containers, and ask for it; what serves goes on until Fastly says otherwise."""
        text, number, at = self._accepted
        if text == wanted.vcl and self._clock.monotonic() - at < _ACTIVATION_SECONDS:
            sentence = f"vendor_accepted: version {number}, which is not active yet"
            return Outcome(sentence=sentence, changed=False)
        try:
            drafted = self._draft(service, live, wanted)
            service.activate(drafted.number)
        except RefusedError as error:
            self._refused = live.pointer.revision
            self._acks.refuse(
                str(live.pointer.subject), live.pointer.revision, f"{error.what}: {error.details}"
            )
            raise
        self._accepted = (wanted.vcl, drafted.number, self._clock.monotonic())
        return Outcome(sentence=f"vendor_accepted: version {drafted.number}", changed=True)

    def _draft(self, service: FastlyService, live: LiveEdgePolicy, wanted: WantedVersion) -> Version:
        if faults := service.lint(wanted.standalone):
            raise RefusedError("Fastly's linter reported errors", details="; ".join(faults))
        begun = service.draft()
        drafted = service.change(begun.number, plan_version(begun, wanted))
        if not plan_version(drafted, wanted).is_empty:
            raise UnavailableError(f"version {begun.number} differs from what was written")
        self._data.follow(service, drafted, live, is_serving=False)
        service.validate(drafted.number)
        return drafted


# Fastly's own loop in the leader's process: its answers take seconds, and nothing else should wait for them.

_FIRST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 300.0


class FastlyCycle:
    """Runs the Fastly reconciler while this process leads; failures are retried with growing pauses."""

    def __init__(
        self,
        *,
        is_leading: Callable[[], bool],
        clock: Clock,
        edge: FastlyEdge,
        read_live: Callable[[], LiveEdgePolicy | None],
    ) -> None:
        self._is_leading = is_leading
        self._clock = clock
        self._edge = edge
        self._read_live = read_live
        self._pause = 0.0
        self._not_before = 0.0
        self._said = ""

    def cycle(self) -> Outcome:
        """Do what can be done now."""
        if not self._is_leading():
            return Outcome(sentence="another process leads", changed=False)
        if self._clock.monotonic() < self._not_before:
            return Outcome(sentence=self._said, changed=False)
        try:
            live = self._read_live()
            outcome = (
                self._edge.cycle(live)
                if live
                else Outcome(sentence="no policy was applied yet", changed=False)
            )
        except HandshakeError as error:
            return self._pause_after(error)
        self._pause = 0.0
        return outcome

    def _pause_after(self, error: HandshakeError) -> Outcome:
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._not_before = self._clock.monotonic() + self._pause
        self._said = "; ".join(filter(None, (f"nothing changed: {error.what}", error.details, error.hint)))
        return Outcome(sentence=self._said, changed=False)
