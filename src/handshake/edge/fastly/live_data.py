"""Writes switches and lists to the containers at Fastly: what fits, read back before it is acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from handshake.catalog.catalog import Catalog
from handshake.catalog.keys import SWITCHES as SWITCHES_PREFIX
from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, OutcomeUnknownError, RefusedError, UnavailableError
from handshake.edge.fastly.compile.containers import SEAL_KEY, SEALS, name_shards, plan_containers
from handshake.edge.fastly.compile.containers import SWITCHES as SWITCHES_TABLE
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.fastly.fit import Fit, Lease, Spread, fit_networks, fit_texts, spread
from handshake.edge.fastly.service import FastlyService, Version
from handshake.edge.ingress.compile.maps import FOREVER
from handshake.edge.ingress.runtime_maps import wanted_switches
from handshake.edge.lists.changes import ListHead
from handshake.edge.lists.entries import ListShape, shape_lists
from handshake.edge.lists.reader import ListReader
from handshake.edge.live_policy import LiveEdgePolicy
from handshake.edge.policy.declarations import ListKind
from handshake.edge.policy.policy import EdgePolicy
from handshake.pointers.acks import SWITCHES_SUBJECT, AckWriter, list_subject

_LOOK_AGAIN_SECONDS = 300.0
"""How long a read-back result stays valid: somebody may use Fastly's own web interface."""


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The containers of one list, or of the switches."""

    subject: str
    revision: int
    ids: Mapping[str, str]
    """Name -> id."""
    fit: Fit
    is_acl: bool


@dataclass(frozen=True, kw_only=True)
class _KnownFit:
    """The result for one list."""

    of: tuple[ListHead, ListShape, int]
    until: float
    """When its next lease ends."""
    fit: Fit


class FastlyData:
    """Keeps a version's containers at the state of the live data."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        clock: Clock,
        acks: AckWriter,
        lists: ListReader,
        read_seal_key: Callable[[], str],
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._acks = acks
        self._lists = lists
        self._read_seal_key = read_seal_key
        self._sealed = ""
        self._fits: dict[str, _KnownFit] = {}
        self._read_back: dict[str, tuple[Mapping[str, str], Mapping[str, str], float]] = {}

    def follow(
        self, service: FastlyService, version: Version, live: LiveEdgePolicy, *, is_serving: bool
    ) -> tuple[str, ...]:
        """Bring every container to what it should hold and return the names of what changed.

        Acks are written of a version that serves only. UnavailableError where Fastly holds something else afterwards, or a
        list cannot be read; it is raised last, so that no other list waits for that one.
        """
        settings = live.policy.campaign.fastly
        assert settings is not None  # noqa: S101 -- the caller has asked
        self._seal(service, version)
        changed: list[str] = []
        failed: list[HandshakeError] = []
        for want in self._want(version, live, settings.target(live.policy.campaign.mounts)):
            try:
                changed += self._follow_group(service, want(), settings.capacity, is_serving=is_serving)
            except (RefusedError, UnavailableError, OutcomeUnknownError) as error:
                failed.append(error)
        if failed:
            raise failed[0]
        return tuple(changed)

    def _follow_group(
        self, service: FastlyService, group: _Group, capacity: int, *, is_serving: bool
    ) -> list[str]:
        is_changed = self._bring(service, group, capacity)
        if is_serving and group.revision:
            self._acks.serve(group.subject, group.revision, _print_proof(group))
        return [f"changed {group.subject}"] if is_changed else []

    def measure(self, policy: EdgePolicy, target: FastlyTarget) -> Mapping[str, Fit]:
        """Return what each list that a policy's rules read comes to at Fastly, by name."""
        containers = plan_containers(policy, target)
        planned = {*containers.acls, *containers.dictionaries}
        room = target.shards * target.capacity
        return {
            shape.name: self._fit(shape, self._lists.open(shape.name)[1], room)
            for shape in shape_lists(policy)
            if planned.intersection(name_shards(shape.name, target))
        }

    def _seal(self, service: FastlyService, version: Version) -> None:
        """Write the key that nobody can read back: to a container that this process has not written yet."""
        number = version.dictionaries.get(SEALS, "")
        if number and number != self._sealed:
            service.change_items(number, put={SEAL_KEY: self._read_seal_key()}, remove=())
            self._sealed = number

    def _want(
        self, version: Version, live: LiveEdgePolicy, target: FastlyTarget
    ) -> Iterator[Callable[[], _Group]]:
        if number := version.dictionaries.get(SWITCHES_TABLE):
            yield partial(self._want_switches, number, live)
        for shape in shape_lists(live.policy.edge):
            is_acl = shape.kind is not ListKind.TEXT
            known = version.acls if is_acl else version.dictionaries
            names = [name for name in name_shards(shape.name, target) if name in known]
            if names:
                yield partial(self._want_list, shape, {name: known[name] for name in names}, target)

    def _want_switches(self, number: str, live: LiveEdgePolicy) -> _Group:
        wanted = wanted_switches(live.policy.edge, self._catalog.read(SWITCHES_PREFIX), self._clock.now())
        return _Group(
            subject=SWITCHES_SUBJECT,
            revision=wanted.revision,
            ids={SWITCHES_TABLE: number},
            fit=Fit(held=wanted.entries),
            is_acl=False,
        )

    def _want_list(self, shape: ListShape, ids: Mapping[str, str], target: FastlyTarget) -> _Group:
        _, head = self._lists.open(shape.name)
        room = len(ids) * target.capacity
        return _Group(
            subject=list_subject(shape.name),
            revision=head.revision,
            ids=ids,
            fit=self._fit(shape, head, room),
            is_acl=shape.kind is not ListKind.TEXT,
        )

    def _fit(self, shape: ListShape, head: ListHead, room: int) -> Fit:
        """Return what a list comes to; the same until somebody changes it or a lease ends."""
        now = self._clock.now()
        known = self._fits.get(shape.name)
        if known and known.of == (head, shape, room) and now < known.until:
            return known.fit
        leases = {entry: Lease(entry=entry, until=FOREVER, since=FOREVER) for entry in shape.seeds}
        for its in self._lists.fold(head).standings():
            leases[its.word.entry] = Lease(entry=its.word.entry, until=its.word.until, since=its.origin.at)
        fit = fit_texts if shape.kind is ListKind.TEXT else fit_networks
        self._fits[shape.name] = _KnownFit(
            of=(head, shape, room),
            until=min((its.until for its in leases.values() if its.until > now), default=FOREVER),
            fit=fit(leases.values(), now=now, room=room),
        )
        return self._fits[shape.name].fit

    def _bring(self, service: FastlyService, group: _Group, capacity: int) -> bool:
        """Change what differs and read it back; True if something was changed."""
        held, ids, at = self._read_back.get(group.subject, ({}, {}, 0.0))
        is_known = (held, ids) == (group.fit.held, group.ids)
        if is_known and self._clock.monotonic() - at < _LOOK_AGAIN_SECONDS:
            return False
        found = {name: _read(service, group, name) for name in group.ids}
        changes = spread(group.fit.held, found, capacity=capacity)
        needed = {name: its for name, its in changes.items() if its.put or its.remove}
        for name, its in needed.items():
            _change(service, group, name, its)
        self._check(service, group, found, frozenset(needed))
        self._read_back[group.subject] = (group.fit.held, group.ids, self._clock.monotonic())
        return bool(needed)

    def _check(
        self,
        service: FastlyService,
        group: _Group,
        found: Mapping[str, Mapping[str, str]],
        changed: frozenset[str],
    ) -> None:
        """Require that Fastly holds what was written: it cuts off in silence what exceeds a container."""
        now = {name: _read(service, group, name) if name in changed else its for name, its in found.items()}
        held = {key: value for items in now.values() for key, value in items.items()}
        if held != group.fit.held:
            missing = len(group.fit.held.keys() - held.keys())
            raise UnavailableError(
                f"Fastly was sent {len(group.fit.held):,} entries of {group.subject}, but {missing:,} are missing",
                hint="Set `capacity` in [fastly] to the account's limit for one container.",
            )


def _read(service: FastlyService, group: _Group, name: str) -> Mapping[str, str]:
    """Return a container's content; the entries of an ACL have no value."""
    number = group.ids[name]
    return dict.fromkeys(service.entries(number), "") if group.is_acl else service.items(number)


def _change(service: FastlyService, group: _Group, name: str, its: Spread) -> None:
    number = group.ids[name]
    if not group.is_acl:
        service.change_items(number, put=its.put, remove=its.remove)
        return
    ids = service.entries(number) if its.remove else {}
    service.change_entries(number, add=list(its.put), remove={entry: ids[entry] for entry in its.remove})


def _print_proof(group: _Group) -> str:
    held = f"vendor_accepted and read_back: {len(group.fit.held):,} entries in {len(group.ids)} containers"
    return f"{held}; {group.fit.describe()}" if group.fit.left_out else held
