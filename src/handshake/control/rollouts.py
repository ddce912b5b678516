"""What operators say about a service's rollout: leave it for now, go on, or send it back."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.keys import rollout_key
from handshake.control.holds import Holds
from handshake.control.pointers import Pointers
from handshake.control.targets import Targets
from handshake.core.errors import RefusedError
from handshake.core.instance import Generation
from handshake.core.pointer import Move, Pointer
from handshake.core.release import Kind, Subject
from handshake.fleet.blame import way_back
from handshake.fleet.hold import Hold
from handshake.fleet.state import Rollout


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """Somebody's say in rollouts. Works with the control plane dead: the leader obeys when it is back."""

    who: str
    catalog: Catalog
    pointers: Pointers
    targets: Targets
    holds: Holds

    def pause(self, service: str, *, reason: str, seconds: float | None) -> Hold:
        """Replace nothing but what crashes, for a time or until resumed."""
        self._require(service)
        return self.holds.pause(service, owner=self.who, reason=reason, seconds=seconds)

    def resume(self, service: str, *, reason: str) -> Hold:
        """Let rollouts go on; return the hold that was lifted."""
        return self.holds.resume(service, owner=self.who, reason=reason)

    def abort(self, service: str, *, reason: str) -> tuple[Pointer, ...]:
        """Send every pointer that left the stable generation back to it, in one transaction.

        The engine then takes the trial away and replaces what was replaced already. RefusedError where
        nothing is on its way, or where there is nothing to go back to.
        """
        stable = self._stable(service)
        moves = [
            Move(
                subject=pointer.subject,
                release=back,
                from_revision=pointer.revision,
                moved_by=self.who,
                reason=f"aborted: {reason}",
                is_urgent=True,
            )
            for pointer in self._pointers_of(service)
            if (back := way_back(pointer, stable)) and pointer.release != back
        ]
        if not moves:
            raise RefusedError(
                f"{service}: its pointers name what it runs; there is nothing to abort",
                hint=f"`handshake rollback image/{service}` goes back further.",
            )
        return self.pointers.move(moves)

    def _stable(self, service: str) -> Generation:
        entry = self.catalog.get(rollout_key(service))
        stable = decode(Rollout, entry.value).stable if entry else None
        if stable is None:
            raise RefusedError(
                f"{service} has no release to go back to: none has passed a trial yet",
                hint="Promote another one.",
            )
        return stable

    def _pointers_of(self, service: str) -> tuple[Pointer, ...]:
        pointers = self.pointers.all()
        contract = self.targets.contract(service, pointers)
        templates = self.targets.templates(contract, pointers) if contract else None
        image = self._require(service)
        return (image, templates) if templates else (image,)

    def _require(self, service: str) -> Pointer:
        """Return the service's image pointer; RefusedError where nothing was ever promoted."""
        pointer = self.pointers.get(Subject(kind=Kind.IMAGE, name=service))
        if pointer is None:
            raise RefusedError(
                f"service {service} was never promoted", hint="`handshake status` shows every service."
            )
        return pointer
