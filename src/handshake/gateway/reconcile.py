"""The gateway reconciler: its configuration follows the policy, its pools follow the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from handshake.catalog.entries import Endpoint, Endpoints, Traffic
from handshake.core.digest import digest_bytes
from handshake.core.errors import HandshakeError, OutcomeUnknownError, RefusedError
from handshake.core.outcome import Outcome
from handshake.gateway.haproxy import GatewayTarget, Pool, compile_gateway
from handshake.gateway.pool import (
    PoolStep,
    RouterState,
    Unknown,
    Wanted,
    acked_revision,
    explain_waiting,
    plan_pool,
)
from handshake.gateway.reader import Gateway
from handshake.pointers.acks import AckWriter, pool_subject
from handshake.pointers.pointer import Pointer
from handshake.syntax.haproxy import print_haproxy


class GatewayPart(Protocol):
    """A policy, reduced to what the gateway needs."""

    @property
    def gateway(self) -> Gateway:
        """gateway.toml."""
        ...


class LiveGatewayPolicy(Protocol):
    """A policy and the pointer that names it."""

    @property
    def policy(self) -> GatewayPart:
        """The policy."""
        ...

    @property
    def pointer(self) -> Pointer:
        """The pointer."""
        ...


# The Protocol that every driver of a gateway keeps.


class Router(Protocol):
    """A running gateway on this node.

    Every method raises UnavailableError if the program does not answer; then nothing was changed, or
    OutcomeUnknownError if that is uncertain. All methods may be called from several threads.
    """

    def observe(self) -> RouterState:
        """Return what the running program says of itself; takes milliseconds, changes nothing."""
        ...

    def apply(self, step: PoolStep) -> None:
        """Carry out one step; one that has been carried out already is not an error.

        Returning says nothing about what the program serves now: observe. A member that cannot be removed
        yet, because a connection to it has not quite ended, stays, and is planned again. RefusedError where
        the program does not accept the step at all.
        """
        ...

    def reconfigure(self, text: str, digest: str) -> None:
        """Make the program serve another configuration, without losing a request; seconds.

        Returns once a new worker has read back `digest`. The text must hold the present members: those
        that only the running program knows are lost. RefusedError, with the program's words as details,
        where the text is not valid; the old configuration, running and on disk, stays in force then.
        UnavailableError where nothing runs: keep the text, and start the program.
        """
        ...

    def keep(self, text: str) -> None:
        """Put a configuration where the next start finds it, and change nothing that runs.

        For members: a program that is restarted after a crash finds those of now. RefusedError as above.
        """
        ...


_Done = TypeVar("_Done")


class Startable(Protocol):
    """A program that is started with an initial configuration and then keeps running."""

    def ensure(self, text: str) -> bool:
        """Start the program with this configuration unless it runs; True if it was started now."""
        ...


@dataclass(frozen=True, kw_only=True)
class GatewayConfiguration:
    """A compiled configuration, and the digest with which the running program identifies it."""

    text: str
    digest: str


class GatewayReconciler:
    """Moves this node's gateway to the state of policy and catalogue."""

    def __init__(self, *, router: Router, program: Startable, acks: AckWriter, target: GatewayTarget) -> None:
        self._router = router
        self._program = program
        self._acks = acks
        self._target = target
        self._served: dict[str, int] = {}
        self._failed: list[HandshakeError] = []
        self._kept = ""
        self._made_of: tuple[GatewayPart, Mapping[str, Wanted]] | None = None
        self._compiled = GatewayConfiguration(text="", digest="")

    def cycle(self, live: LiveGatewayPolicy, wanted: Mapping[str, Wanted]) -> Outcome:
        """Serve the policy, then move every pool one step further, then say what was read back.

        A policy or a step that HAProxy refuses is raised last: no other pool waits for it.
        """
        self._failed = []
        compiled = self._compile(live, wanted)
        started = self._program.ensure(compiled.text)
        changed = any(self._attempt(partial(self._serve, live, compiled)))
        # Read back once for all pools: a step in one changes no other.
        said = self._router.observe()
        steps = sum(
            done
            for service, endpoints in wanted.items()
            for done in self._attempt(partial(self._follow_pool, service, endpoints, said))
        )
        waiting = self._acknowledge(wanted)
        if self._failed:
            raise self._failed[0]
        return _describe(started=started, changed=changed, steps=steps, waiting=waiting)

    def digest_of(self, live: LiveGatewayPolicy) -> str:
        """Return what the running program should say that it serves."""
        gateway = live.policy.gateway
        return digest_bytes(print_haproxy(compile_gateway(gateway.policy, self._bare(live))).encode())

    def running(self) -> str:
        """Return what the running program says that it serves."""
        return self._router.observe().digest

    def _attempt(self, act: Callable[[], _Done]) -> Iterator[_Done]:
        """Yield what was done; nothing where it failed, which `cycle` raises once everything else is done."""
        try:
            yield act()
        except (RefusedError, OutcomeUnknownError) as error:
            self._failed.append(error)

    def _serve(self, live: LiveGatewayPolicy, compiled: GatewayConfiguration) -> bool:
        changed = self._follow_policy(live, compiled)
        self._keep(compiled)
        return changed

    def _bare(self, live: LiveGatewayPolicy) -> GatewayTarget:
        return replace(self._target, digest="", description=live.policy.gateway.description)

    def _compile(self, live: LiveGatewayPolicy, wanted: Mapping[str, Wanted]) -> GatewayConfiguration:
        """Return the configuration; that of the last cycle where nothing it is made of has changed."""
        made_of = (live.policy, wanted)
        if made_of != self._made_of or Unknown.UNKNOWN in wanted.values():
            self._compiled = self._compile_anew(live, wanted)
            self._made_of = made_of
        return self._compiled

    def _compile_anew(self, live: LiveGatewayPolicy, wanted: Mapping[str, Wanted]) -> GatewayConfiguration:
        gateway, digest = live.policy.gateway, self.digest_of(live)
        pools = tuple(
            Pool(service=service, members=self._members(service, endpoints))
            for service, endpoints in sorted(wanted.items())
        )
        whole = replace(self._bare(live), digest=digest, pools=pools)
        return GatewayConfiguration(text=print_haproxy(compile_gateway(gateway.policy, whole)), digest=digest)

    def _members(self, service: str, wanted: Wanted) -> tuple[Endpoint, ...]:
        """Return the members that a start or reload should find: the wanted ones, else those of now."""
        if isinstance(wanted, Unknown):
            return _present(service, self._router.observe())
        return tuple(endpoint for endpoint in wanted.endpoints if endpoint.traffic is Traffic.OPEN)

    def _follow_policy(self, live: LiveGatewayPolicy, compiled: GatewayConfiguration) -> bool:
        subject, revision = str(live.pointer.subject), live.pointer.revision
        is_served = self._router.observe().digest == compiled.digest
        if not is_served:
            try:
                self._router.reconfigure(compiled.text, compiled.digest)
            except RefusedError as error:
                self._acks.refuse(subject, revision, f"{error.what}: {error.details}")
                raise
            self._kept = compiled.text
        said = self._router.observe()
        if said.digest == compiled.digest:
            proof = f"worker {said.process} describes itself as {said.digest}"
            self._acks.serve(subject, revision, proof)
        return not is_served

    def _keep(self, compiled: GatewayConfiguration) -> None:
        """Leave the present members where the next start of the program finds them."""
        if self._kept != compiled.text:
            self._router.keep(compiled.text)
            self._kept = compiled.text

    def _follow_pool(self, service: str, wanted: Wanted, said: RouterState) -> int:
        steps = plan_pool(service, wanted, said)
        for step in steps:
            self._router.apply(step)
        return len(steps)

    def _acknowledge(self, wanted: Mapping[str, Wanted]) -> list[str]:
        """Write for each pool what the running program says now; return what is still waited for."""
        said = self._router.observe()
        waiting: list[str] = []
        for service, endpoints in wanted.items():
            before = self._served.get(service, 0)
            revision = acked_revision(service, endpoints, said, before)
            if revision != before:
                self._acks.serve(pool_subject(service), revision, said.proof(service))
                self._served[service] = revision
            waiting += explain_waiting(service, endpoints, said)
        return waiting


def services_of(live: LiveGatewayPolicy) -> frozenset[str]:
    """Return the services that the gateway's policy names."""
    return frozenset(route.service for route in live.policy.gateway.policy.route)


def wanted_from(latest: Callable[[], Endpoints | None], *, is_readable: bool) -> Wanted:
    """Return what the catalogue asks of a pool, or that nobody knows."""
    endpoints = latest()
    return endpoints if endpoints is not None and is_readable else Unknown.UNKNOWN


def _present(service: str, said: RouterState) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(id=member.name, service=service, host=member.host, port=member.port)
        for member in said.pools.get(service, ())
        if member.is_serving
    )


def _describe(*, started: bool, changed: bool, steps: int, waiting: list[str]) -> Outcome:
    parts = ["started"] if started else []
    parts += ["serves a new configuration"] if changed else []
    parts += [f"{steps} pool steps"] if steps else []
    sentence = ", ".join(parts) or "pools and configuration are as wanted"
    if waiting:
        sentence += f"; waits: {'; '.join(waiting)}"
    return Outcome(sentence=sentence, changed=bool(parts), is_waiting=bool(waiting))
