"""Previews and splits of sites: written, waited for and counted."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Put
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import SITE_PREVIEWS, SITE_SPLITS, SITE_TRAFFIC
from handshake.core.clock import Clock
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.pointers.acks import SITE_TRAFFIC_SUBJECT, acks_of, concerned_places, is_served, read_acks
from handshake.pointers.pointer import Pointer

PREVIEW_USER = "preview"
_SECRET_BYTES = 24

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class SitePreview:
    """A release on a host name of its own."""

    label: str
    """The host name's first part: `3f2a9b1c77aa--calls`."""
    site: str
    release: Digest
    credential: str
    """SHA-256, in hexadecimal capitals, of the `Authorization` header that opens it."""
    owner: str
    reason: str
    made_at: float
    until: float


@dataclass(frozen=True, kw_only=True)
class SiteSplit:
    """A share of a site's visitors who see another release, for as long as the first one is live."""

    site: str
    live: Digest
    other: Digest
    share: int
    """Percent."""
    owner: str
    reason: str
    made_at: float
    until: float


@dataclass(frozen=True, kw_only=True)
class SiteTraffic:
    """All previews and splits in effect."""

    previews: tuple[SitePreview, ...] = ()
    splits: tuple[SiteSplit, ...] = ()
    revision: int = 0
    """Of the last change; 0 if there was none."""

    def split_of(self, pointer: Pointer) -> SiteSplit | None:
        """Return the split of a site, None once its pointer has moved on."""
        return next(
            (its for its in self.splits if its.site == pointer.subject.name and its.live == pointer.release),
            None,
        )


class SiteTraffics:
    """Reads and writes previews and splits."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def read(self) -> SiteTraffic:
        """Return what holds now."""
        return decode_traffic(self._catalog.read(SITE_TRAFFIC).entries, self._clock.now())

    def preview(
        self, site: str, release: Digest, *, name: str, password: str, seconds: float, owner: str, reason: str
    ) -> SitePreview:
        """Show a release on a host of its own for a time; again for one name, it takes the place of the former."""
        preview = self._begin(site, release, name=name, seconds=seconds, owner=owner, reason=reason)
        return self._show(replace(preview, credential=digest_credential(password)))

    def follow(
        self, site: str, release: Digest, *, name: str, seconds: float, owner: str, reason: str
    ) -> SitePreview:
        """Let a preview show another release under its old password; where there is none, nobody can open the new one."""
        known = (each for each in self.read().previews if each.label == f"{name}--{site}")
        before = next(known, None)
        preview = self._begin(site, release, name=name, seconds=seconds, owner=owner, reason=reason)
        credential = before.credential if before else digest_credential(secrets.token_urlsafe(_SECRET_BYTES))
        return self._show(replace(preview, credential=credential))

    def split(
        self, pointer: Pointer, other: Digest, *, share: int, seconds: float, owner: str, reason: str
    ) -> SiteSplit:
        """Let a share of a site's visitors see another release for a time."""
        now = self._clock.now()
        split = SiteSplit(
            site=pointer.subject.name,
            live=pointer.release,
            other=other,
            share=share,
            owner=owner,
            reason=reason,
            made_at=now,
            until=now + seconds,
        )
        what = f"{share} % of {pointer.subject} see {short(other)}: {reason}"
        self._put(f"{SITE_SPLITS}{split.site}", encode(split), owner, what)
        return split

    def end_preview(self, label: str, *, owner: str) -> None:
        """End a preview now; RefusedError where there is none."""
        shown = next((its for its in self.read().previews if its.label == label), None)
        what = f"preview {label}"
        if shown is None:
            raise _nothing_to_end(what)
        self._put(
            f"{SITE_PREVIEWS}{label}",
            encode(replace(shown, until=self._clock.now())),
            owner,
            f"end of the {what}",
        )

    def end_split(self, site: str, *, owner: str) -> None:
        """End a split now; RefusedError where there is none."""
        split = next((its for its in self.read().splits if its.site == site), None)
        what = f"split of site/{site}"
        if split is None:
            raise _nothing_to_end(what)
        self._put(
            f"{SITE_SPLITS}{site}",
            encode(replace(split, until=self._clock.now())),
            owner,
            f"end of the {what}",
        )

    def _begin(
        self, site: str, release: Digest, *, name: str, seconds: float, owner: str, reason: str
    ) -> SitePreview:
        if not _LABEL.fullmatch(name):
            raise RefusedError(
                f"{name!r} is not valid in a host name",
                hint="Use up to 30 lower-case letters, digits and hyphens.",
            )
        now = self._clock.now()
        return SitePreview(
            label=f"{name}--{site}",
            site=site,
            release=release,
            credential="",
            owner=owner,
            reason=reason,
            made_at=now,
            until=now + seconds,
        )

    def _show(self, preview: SitePreview) -> SitePreview:
        what = f"preview {preview.label}: {preview.reason}"
        self._put(f"{SITE_PREVIEWS}{preview.label}", encode(preview), preview.owner, what)
        return preview

    def _put(self, key: str, value: bytes, owner: str, what: str) -> None:
        """Write one; what has ended stays written, so that revisions only grow."""
        entry = self._catalog.get(key)
        put = Put(key=key, value=value, if_index=entry.index if entry else 0)
        self._catalog.transact([put, journal_write(owner, what, self._clock.now())])


def decode_traffic(entries: Iterable[CatalogEntry], now: float) -> SiteTraffic:
    """Return what these entries say of a moment: what has ended is left out."""
    known = tuple(entries)
    previews = (decode(SitePreview, its.value) for its in known if its.key.startswith(SITE_PREVIEWS))
    splits = (decode(SiteSplit, its.value) for its in known if its.key.startswith(SITE_SPLITS))
    return SiteTraffic(
        previews=tuple(each for each in previews if each.until > now),
        splits=tuple(each for each in splits if each.until > now),
        revision=max((entry.index for entry in known), default=0),
    )


def _nothing_to_end(what: str) -> RefusedError:
    return RefusedError(f"there is no {what}", hint="`handshake site shown` lists previews and splits.")


def name_branch(branch: str) -> str:
    """Return a branch's name as a host's may be."""
    return re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")[:30].strip("-")


def digest_credential(password: str) -> str:
    """Return what the ingress makes of the header that a browser sends for this password."""
    words = base64.b64encode(f"{PREVIEW_USER}:{password}".encode()).decode()
    return hashlib.sha256(f"Basic {words}".encode()).hexdigest().upper()


def require_site(name: str, pointers: Callable[[Subject], Pointer | None]) -> Pointer:
    """Return a site's pointer; RefusedError where it was never promoted."""
    pointer = pointers(Subject(kind=Kind.SITE, name=name))
    if pointer is None:
        raise RefusedError(f"site/{name} was never promoted", hint="`handshake status` shows the pointers.")
    return pointer


# Waiting for a preview or a split to arrive: every cache says that it shows what was written.

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class ShownArrival:
    """What the caches have acknowledged of a change."""

    has_arrived: bool
    seconds: float
    """From the accepted write to the last cache's ack."""
    serving: tuple[str, ...]
    """The places that serve it."""
    awaited: tuple[str, ...]
    """The places that do not serve it yet."""
    why: str
    """What they report, or what is waited for."""


class ShownArrivals:
    """Watches previews and splits. Needs only the catalogue: it works while the control plane is down."""

    def __init__(self, catalog: Catalog, clock: Clock, nodes: tuple[str, ...]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._nodes = nodes

    def wait(self, revision: int, deadline_seconds: float, tell: Callable[[str], None]) -> ShownArrival:
        """Return once every cache shows a revision, or after so long; `tell` hears what is waited for."""
        begun, said = self._clock.monotonic(), ""
        while True:
            arrival = self._look(revision, self._clock.monotonic() - begun)
            if arrival.has_arrived or arrival.seconds >= deadline_seconds:
                return arrival
            if arrival.why != said:
                tell(arrival.why)
                said = arrival.why
            self._clock.sleep(_LOOK_SECONDS)

    def _look(self, revision: int, seconds: float) -> ShownArrival:
        acks = acks_of(SITE_TRAFFIC_SUBJECT, read_acks(self._catalog))
        places = concerned_places(SITE_TRAFFIC_SUBJECT, self._nodes)
        serving = tuple(str(place) for place in places if is_served(revision, acks, (place,)))
        awaited = tuple(str(place) for place in places if str(place) not in serving)
        refusals = {
            ack.place: ack.refusal.reason for ack in acks if ack.refusal and ack.refusal.revision >= revision
        }
        proofs = {ack.place: ack.proof for ack in acks}
        waits = (f"{place} does not serve it: {refusals[place]}" for place in awaited if place in refusals)
        why = (
            "; ".join(waits) or f"waits for {', '.join(awaited)}"
            if awaited
            else "; ".join(f"{place}: {proofs[place]}" for place in serving)
        )
        return ShownArrival(
            has_arrived=not awaited, seconds=round(seconds, 3), serving=serving, awaited=awaited, why=why
        )


# What the arms of a split have answered, counted from the ingress's access log.

_FAILED = 500
_ARMS = ("a", "b")


@dataclass(frozen=True, kw_only=True)
class ArmCount:
    """One arm of a site: `a` is the live release, `b` the other."""

    site: str
    arm: str
    requests: int
    failures: int
    """Answers with status 500 and above."""


def count_arms(lines: Iterable[bytes], mounts: Mapping[str, str]) -> tuple[ArmCount, ...]:
    """Return the counts of each site's arms in lines of the access log."""
    requests, failures = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for arm, path, status in _read(lines):
        for site, mount in mounts.items():
            if path.startswith(mount.rstrip("/") + "/"):
                requests[site, arm] += 1
                failures[site, arm] += status >= _FAILED
    return tuple(
        ArmCount(site=site, arm=arm, requests=requests[site, arm], failures=failures[site, arm])
        for site in mounts
        for arm in _ARMS
    )


def _read(lines: Iterable[bytes]) -> Iterator[tuple[str, str, int]]:
    for line in lines:
        # Most lines are of no split: only the others are read.
        if b'"arm":"a"' in line or b'"arm":"b"' in line:
            record = json.loads(line)
            yield record["arm"], record["path"], int(record["status"])
