"""The declarations of the live policy, and the wait until every ingress has acknowledged a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from handshake.catalog.catalog import Catalog
from handshake.config.campaign_head import CAMPAIGN_FILE, EDGE_FILE, CampaignHead
from handshake.config.reader import read_settings
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.subject import Kind, Subject
from handshake.edge.lists.entries import ListShape, shape_lists
from handshake.edge.policy.declarations import Declarations, Switch, read_declarations
from handshake.pointers.acks import FASTLY, Ack, Place, acks_of, concerned_places, is_served, read_acks
from handshake.pointers.pointer import Pointer


@dataclass(frozen=True, kw_only=True)
class DeclaredPolicy:
    """Switches, lists, and the places that must acknowledge."""

    edge: Declarations
    nodes: tuple[str, ...]
    has_fastly: bool
    """A policy or a purge has arrived only once Fastly has it, too."""


class _Excerpt(CampaignHead, extra="ignore"):
    """handshake.toml, reduced to what is needed here."""

    fastly: object = None


class DeclarationReader:
    """Reads the declarations of releases; a release never changes, so each is read once."""

    def __init__(
        self, campaign: str, get_pointer: Callable[[Subject], Pointer | None], fetch: Callable[[Digest], Path]
    ) -> None:
        self._subject = Subject(kind=Kind.POLICY, name=campaign)
        self._get_pointer = get_pointer
        self._fetch = fetch
        self._known: dict[Digest, DeclaredPolicy] = {}

    def live(self) -> DeclaredPolicy | None:
        """Return the declarations of the live policy, None if none was applied yet."""
        pointer = self._get_pointer(self._subject)
        return self._read(pointer.release) if pointer else None

    def require_live(self) -> DeclaredPolicy:
        """Return the declarations of the live policy; RefusedError if none was applied yet."""
        live = self.live()
        if live is None:
            raise RefusedError("no policy was applied yet", hint="`handshake up FOLDER` applies it.")
        return live

    def _read(self, release: Digest) -> DeclaredPolicy:
        if release not in self._known:
            try:
                self._known[release] = _read_declared(self._fetch(release))
            except ProblemsError as error:
                raise RefusedError("the release is not a valid policy", details=str(error)) from error
        return self._known[release]


def _read_declared(folder: Path) -> DeclaredPolicy:
    head = read_settings(_Excerpt, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE).model
    edge = read_declarations(folder / EDGE_FILE, shown_as=EDGE_FILE)
    return DeclaredPolicy(edge=edge, nodes=head.nodes, has_fastly=head.fastly is not None)


# Changes of live data, refused if the live policy declares no such switch or list.

Found = TypeVar("Found")

_LOOK_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """The result of a change of live data."""

    subject: str
    revision: int
    what: str
    is_enforced: bool
    """Whether every ingress has acknowledged it; for a purge, every cache, including Fastly's."""
    seconds: float
    """From the accepted write to the last ingress's ack."""
    fastly: str = ""
    """Fastly's state of it so far, with what does not fit there; for lists and switches, nobody waits for it."""
    said: tuple[str, ...] = ()
    """Every place that it concerns, with its state of this revision."""


def find_switch(live: DeclaredPolicy, name: str) -> Switch:
    """Return a switch of the live policy; raise ProblemsError with the nearest name if there is none."""
    return _find(name, {switch.name: switch for switch in live.edge.switches}, "switch")


def find_list(live: DeclaredPolicy, name: str) -> ListShape:
    """Return a list of the live policy; raise ProblemsError with the nearest name if there is none."""
    return _find(name, {its.name: its for its in shape_lists(live.edge)}, "list")


def wait_for_ingresses(
    catalog: Catalog,
    clock: Clock,
    nodes: tuple[str, ...],
    *,
    subject: str,
    revision: int,
    what: str,
    seconds: float,
    has_fastly: bool = False,
) -> DataReport:
    """Return once every place that it concerns has acknowledged a revision, or when the time is over."""
    begun = clock.monotonic()
    places = concerned_places(subject, nodes, has_fastly=has_fastly)
    while True:
        acks = acks_of(subject, read_acks(catalog))
        is_enforced = is_served(revision, acks, places)
        elapsed = clock.monotonic() - begun
        if is_enforced or elapsed > seconds:
            return DataReport(
                subject=subject,
                revision=revision,
                what=what,
                is_enforced=is_enforced,
                seconds=round(elapsed, 3),
                fastly=_hear_fastly(acks, revision),
                said=tuple(_hear(place, acks, revision) for place in places),
            )
        clock.sleep(_LOOK_SECONDS)


def _hear(place: Place, acks: Iterable[Ack], revision: int) -> str:
    said = (ack.proof for ack in acks if ack.place == str(place) and ack.revision >= revision)
    return f"{place}: {next(said, 'nothing yet')}"


def _hear_fastly(acks: Iterable[Ack], revision: int) -> str:
    ack = next((ack for ack in acks if ack.place == str(FASTLY)), None)
    if ack is None:
        return ""
    if ack.revision >= revision:
        return ack.proof
    return f"will follow within a minute; its state at revision {ack.revision}: {ack.proof}"


def _find(name: str, known: dict[str, Found], noun: str) -> Found:
    if name in known:
        return known[name]
    nearest = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"The policy has: {', '.join(known) or 'none'}."
    raise _problem(f"unknown-{noun}", f"the live policy has no {noun} {name}", name, hint)


def _problem(check: str, what: str, where: str, hint: str) -> ProblemsError:
    return ProblemsError([Problem(check=check, what=what, where=Location(file=where), hint=hint)])
