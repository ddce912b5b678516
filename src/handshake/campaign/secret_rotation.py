"""Secrets replaced and keys revoked by hand, while everybody is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import ASSIGNMENTS, rollout_key
from handshake.config.secrets import Secrets
from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.core.subject import Kind, Subject
from handshake.fleet.engine.state import Rollout, Stage, secrets_part
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Assignment
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.signature import KeyId
from handshake.release.signing import SignatureVerifier, Signer, SigningKey

_LOOK_SECONDS = 0.3


class Lock(Protocol):
    """What a secret opens."""

    def admit(self, today: str, new: str) -> None:
        """Let a new secret open it too; UnavailableError where it does not answer."""
        ...

    def forget(self, old: str, today: str) -> None:
        """Let an old secret open it no more."""
        ...


@dataclass(frozen=True, kw_only=True)
class SecretRow:
    """One secret, without what it says."""

    name: str
    written_at: float
    """UTC, seconds since the epoch."""
    given_to: tuple[str, ...]
    """The services whose instances are given it."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What became of a new secret."""

    name: str
    replaced: tuple[str, ...]
    """The services all of whose instances have been replaced since."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Rotator:
    """Somebody who replaces secrets."""

    who: str
    catalog: Catalog
    clock: Clock
    secrets: Secrets
    pointers: Pointers
    targets: GenerationReader
    nodes: tuple[str, ...]
    locks: Mapping[str, tuple[str, Lock]]
    """By the names of the secrets that may be set: the store that instances name, and the store itself."""

    def rows(self) -> tuple[SecretRow, ...]:
        """Return every secret that may be set, by name."""
        return tuple(
            SecretRow(name=name, written_at=self.secrets.written_at(name), given_to=self._given_to(store))
            for name, (store, _) in sorted(self.locks.items())
        )

    def rotate(self, name: str, value: str, *, reason: str, seconds: float) -> Rotation:
        """Let a new secret open what the old one opens, replace all who are given it, then forget the old one.

        Where the new one fails its trial, or time runs out, the old one stands again, and opens.
        """
        self._demand(name, value)
        store, lock = self.locks[name]
        begun, old = self.clock.monotonic(), self.secrets.read(name)
        lock.admit(old, value)
        self._write(name, value, f"set secret {name}: {reason}")
        services = self._given_to(store)
        try:
            for service in services:
                self._await(service, begun + seconds)
        except HandshakeError:
            self._write(name, old, f"put secret {name} back: the new one was not rolled out")
            lock.forget(value, old)
            raise
        lock.forget(old, value)
        return Rotation(name=name, replaced=services, seconds=self.clock.monotonic() - begun)

    def _demand(self, name: str, value: str) -> None:
        if name not in self.locks:
            known = ", ".join(sorted(self.locks)) or "none"
            raise RefusedError(f"{name} is no secret that is set by hand", hint=f"There are: {known}.")
        if not value or not value.isprintable() or " " in value:
            raise RefusedError(
                "a secret is one line of printable characters without blanks",
                hint="openssl rand -hex 24 | handshake secret set NAME",
            )
        if value == self.secrets.read(name):
            raise RefusedError(f"{name} says that already", hint="A new secret says something else.")
        if len(self.nodes) > 1:
            raise RefusedError(
                f"{name} lies on {', '.join(self.nodes)}, and this verb sets it here alone",
                hint="docs/how-to/rotate-a-secret.md says how it is replaced by hand.",
            )

    def _write(self, name: str, value: str, told: str) -> None:
        self.catalog.transact([journal_write(self.who, told, self.clock.now())])
        self.secrets.write(name, value)

    def _given_to(self, store: str) -> tuple[str, ...]:
        pointers = self.pointers.all()
        services = (subject.name for subject in sorted(pointers) if subject.kind is Kind.IMAGE)
        contracts = ((service, self.targets.contract(service, pointers)) for service in services)
        return tuple(service for service, contract in contracts if contract and store in contract.stores)

    def _await(self, service: str, deadline: float) -> None:
        """Return once every instance of a service was started with the secrets of today."""
        self._poll(lambda: self._is_replaced(service), service, deadline)

    def _poll(self, is_done: Callable[[], bool], service: str, deadline: float) -> None:
        while not is_done():
            if self.clock.monotonic() > deadline:
                raise UnavailableError(
                    f"{service} was not replaced in time, so the old secret stands again",
                    hint=f"handshake status {service} says what it waits for.",
                )
            self.clock.sleep(_LOOK_SECONDS)

    def _is_replaced(self, service: str) -> bool:
        contract = self.targets.contract(service, self.pointers.all())
        if contract is None:
            return True
        today, rollout = self.targets.secrets(contract), self._rollout(service)
        for bad in rollout.bad:
            if bad.part == secrets_part(today):
                raise RefusedError(
                    f"{service} cannot work with it, so the old secret stands again", details=bad.reason
                )
        entries = self.catalog.read(ASSIGNMENTS).entries
        assignments = (decode(Assignment, entry.value) for entry in entries)
        given = [each.generation.secrets for each in assignments if each.service == service]
        return rollout.stage is Stage.SETTLED and set(given) == {today}

    def _rollout(self, service: str) -> Rollout:
        entry = self.catalog.get(rollout_key(service))
        return decode(Rollout, entry.value) if entry else Rollout(service=service)


# Revoking a key, unless what is live relies on it.


def revoke_key(
    key: KeyId,
    *,
    signer: Signer,
    signature_verifier: SignatureVerifier,
    read_pointers: Callable[[], Mapping[Subject, Pointer]],
    who: str,
    reason: str,
    even_live: bool,
) -> SigningKey:
    """Revoke a key; RefusedError where a live image could not be launched any more, unless that is wanted.

    What runs goes on in either case: a node looks at signatures when it launches, and an instance that
    dies later would have no successor.
    """
    live = {its.release: subject for subject, its in read_pointers().items() if subject.kind is Kind.IMAGE}
    lost = [] if even_live else [str(live[release]) for release in signature_verifier.rely_on(key, live)]
    if lost:
        raise RefusedError(
            f"no other key signed {', '.join(sorted(lost))}: no new instance could be launched",
            hint="Rotate and publish them again, then revoke; or revoke with --even-live.",
        )
    return signer.revoke(key, who=who, reason=reason)
