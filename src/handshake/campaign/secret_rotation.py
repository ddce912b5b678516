"""Rotates secrets and revokes keys on request, without downtime."""

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
    """What a secret gives access to."""

    def admit(self, today: str, new: str) -> None:
        """Accept a new secret too; UnavailableError if it does not answer."""
        ...

    def forget(self, old: str, today: str) -> None:
        """Stop accepting an old secret."""
        ...


@dataclass(frozen=True, kw_only=True)
class SecretRow:
    """One secret, without its value."""

    name: str
    written_at: float
    """UTC, seconds since the epoch."""
    given_to: tuple[str, ...]
    """The services whose instances receive it."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """The result of a rotation."""

    name: str
    replaced: tuple[str, ...]
    """The services whose instances have all been replaced since."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Rotator:
    """Rotates secrets."""

    who: str
    catalog: Catalog
    clock: Clock
    secrets: Secrets
    pointers: Pointers
    targets: GenerationReader
    nodes: tuple[str, ...]
    locks: Mapping[str, tuple[str, Lock]]
    """By secret name: the store that uses the secret, as instances name it, and the store itself."""

    def rows(self) -> tuple[SecretRow, ...]:
        """Return every secret that can be rotated, by name."""
        return tuple(
            SecretRow(name=name, written_at=self.secrets.written_at(name), given_to=self._given_to(store))
            for name, (store, _) in sorted(self.locks.items())
        )

    def rotate(self, name: str, value: str, *, reason: str, seconds: float) -> Rotation:
        """Accept a new secret beside the old one, replace all instances that receive it, then drop the old one.

        If the new secret fails its trial or time runs out, the old one is restored.
        """
        self._check(name, value)
        store, lock = self.locks[name]
        begun, old = self.clock.monotonic(), self.secrets.read(name)
        lock.admit(old, value)
        self._write(name, value, f"set secret {name}: {reason}")
        services = self._given_to(store)
        try:
            for service in services:
                self._await(service, begun + seconds)
        except HandshakeError:
            self._write(name, old, f"restored secret {name}: the new one was not rolled out")
            lock.forget(value, old)
            raise
        lock.forget(old, value)
        return Rotation(name=name, replaced=services, seconds=self.clock.monotonic() - begun)

    def _check(self, name: str, value: str) -> None:
        if name not in self.locks:
            known = ", ".join(sorted(self.locks)) or "none"
            raise RefusedError(f"{name} is not a secret that can be rotated", hint=f"Secrets: {known}.")
        if not value or not value.isprintable() or " " in value:
            raise RefusedError(
                "a secret must be one line of printable characters without blanks",
                hint="openssl rand -hex 24 | handshake secret set NAME",
            )
        if value == self.secrets.read(name):
            raise RefusedError(f"{name} already has this value", hint="Provide a different value.")
        if len(self.nodes) > 1:
            raise RefusedError(
                f"{name} is stored on {', '.join(self.nodes)}, and this command sets it only on this node",
                hint="docs/how-to/rotate-a-secret.md explains how to replace it by hand.",
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
        """Return once every instance of a service was started with the current secrets."""
        self._poll(lambda: self._is_replaced(service), service, deadline)

    def _poll(self, is_done: Callable[[], bool], service: str, deadline: float) -> None:
        while not is_done():
            if self.clock.monotonic() > deadline:
                raise UnavailableError(
                    f"{service} was not replaced in time, so the old secret was restored",
                    hint=f"handshake status {service} shows what it waits for.",
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
                    f"{service} fails with the new secret, so the old one was restored", details=bad.reason
                )
        entries = self.catalog.read(ASSIGNMENTS).entries
        assignments = (decode(Assignment, entry.value) for entry in entries)
        given = [each.generation.secrets for each in assignments if each.service == service]
        return rollout.stage is Stage.SETTLED and set(given) == {today}

    def _rollout(self, service: str) -> Rollout:
        entry = self.catalog.get(rollout_key(service))
        return decode(Rollout, entry.value) if entry else Rollout(service=service)


# Revoking a key, unless live releases depend on it.


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
    """Revoke a key; RefusedError if a live image could then no longer be launched, unless that is accepted.

    Running instances are not affected in either case: a node checks signatures when it launches, so an instance
    that dies later would have no replacement.
    """
    live = {its.release: subject for subject, its in read_pointers().items() if subject.kind is Kind.IMAGE}
    lost = [] if even_live else [str(live[release]) for release in signature_verifier.rely_on(key, live)]
    if lost:
        raise RefusedError(
            f"no other key signed {', '.join(sorted(lost))}: no new instance could be launched",
            hint="Rotate and publish them again, then revoke; or revoke with --even-live.",
        )
    return signer.revoke(key, who=who, reason=reason)
