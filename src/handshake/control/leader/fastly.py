"""The leader for Fastly: one service follows the policy, its containers follow switches and lists.

An ack's proof has two words: `vendor_accepted`, Fastly has taken it; `read_back`, its API says that it is so. Nobody can ask
each of Fastly's machines.
"""

from __future__ import annotations

from collections.abc import Callable

from handshake.control.acks import AckWriter
from handshake.control.fastly_settings import FastlySettings
from handshake.control.leader.fastly_data import FastlyData
from handshake.control.leader.fastly_purges import FastlyPurges
from handshake.control.live import LivePolicy
from handshake.control.policy import Policy
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.outcome import Outcome
from handshake.edge.fastly.service import FastlyService, Version
from handshake.edge.fastly.versions import WantedVersion, plan_version, want_version

_LOOK_AGAIN_SECONDS = 300.0
"""How long what was read back is believed: Fastly answers a thousand requests an hour, and others may change things."""
_ACTIVATION_SECONDS = 600.0
"""Fastly promises an activation within ten minutes; it is mostly seconds."""


class FastlyEdge:
    """Moves the service to where policy, switches and lists are."""

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
        self._compiled: tuple[Policy, WantedVersion] | None = None
        self._seen: tuple[WantedVersion, Version, float] | None = None
        self._accepted: tuple[str, int, float] = ("", 0, 0.0)

    def cycle(self, live: LivePolicy) -> Outcome:
        """Serve the policy, bring every container to what it shall hold, then say what was read back."""
        settings = live.policy.campaign.fastly
        if settings is None:
            return Outcome(sentence="no Fastly is configured", changed=False)
        service = self._connect(settings)
        if purged := self._purges.follow(service, live):
            return Outcome(sentence=", ".join(purged), changed=True)
        if live.pointer.revision == self._refused:
            return Outcome(sentence=f"Fastly refuses policy revision {self._refused}", changed=False)
        wanted = self._want(live.policy, settings)
        version = self._look(service, wanted)
        if version is None:
            return self._publish(service, live, wanted)
        proof = f"vendor_accepted and read_back: version {version.number} is active"
        self._acks.serve(str(live.pointer.subject), live.pointer.revision, proof)
        changed = self._data.follow(service, version, live, is_serving=True)
        sentence = f"Fastly serves version {version.number}"
        return Outcome(sentence=", ".join([sentence, *changed]), changed=bool(changed))

    def _want(self, policy: Policy, settings: FastlySettings) -> WantedVersion:
        """Compile a policy once: a ban must not wait for five hundred rules."""
        if self._compiled is None or self._compiled[0] is not policy:
            wanted = want_version(
                policy.edge,
                settings.surroundings(policy.campaign.mounts),
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

    def _publish(self, service: FastlyService, live: LivePolicy, wanted: WantedVersion) -> Outcome:
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

    def _draft(self, service: FastlyService, live: LivePolicy, wanted: WantedVersion) -> Version:
        if faults := service.lint(wanted.standalone):
            raise RefusedError("Fastly's linter finds faults", details="; ".join(faults))
        begun = service.draft()
        drafted = service.change(begun.number, plan_version(begun, wanted))
        if not plan_version(drafted, wanted).is_empty:
            raise UnavailableError(f"version {begun.number} was read back as another one than was written")
        self._data.follow(service, drafted, live, is_serving=False)
        service.validate(drafted.number)
        return drafted
