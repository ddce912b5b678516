"""Purge orders: written to the catalogue by verbs, carried out and acknowledged by every cache."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Put
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import PURGES
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.edge.cache.cache import Cache, Purge, PurgedPage
from handshake.pointers.acks import PURGES_SUBJECT, AckWriter

_KEPT_ORDERS = 500
"""An agent that was away starts with the oldest of them; purging a page twice does no harm."""
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}")


@dataclass(frozen=True, kw_only=True)
class PurgeOrder:
    """One purge: what, who, why."""

    revision: int
    purge: Purge
    author: str
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True)
class PurgeLog:
    """The last orders, in their order."""

    orders: tuple[PurgeOrder, ...]


class Purges:
    """Reads and writes orders."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def order(self, purge: Purge, *, author: str, reason: str) -> int:
        """Write an order; return the revision that caches will acknowledge."""
        now = self._clock.now()
        entry = self._catalog.get(PURGES)
        before = decode_purges([entry] if entry else [])
        order = PurgeOrder(
            revision=before[-1].revision + 1 if before else 1,
            purge=purge,
            author=author,
            reason=reason,
            at=now,
        )
        log = PurgeLog(orders=(*before, order)[-_KEPT_ORDERS:])
        put = Put(key=PURGES, value=encode(log), if_index=entry.index if entry else 0)
        self._catalog.transact([put, journal_write(author, f"purge {describe_purge(purge)}: {reason}", now)])
        return order.revision


def decode_purges(entries: Iterable[CatalogEntry]) -> tuple[PurgeOrder, ...]:
    """Return the orders that lie in these entries."""
    return tuple(order for entry in entries for order in decode(PurgeLog, entry.value).orders)


def read_purge(tags: Iterable[str], urls: Iterable[str], *, is_soft: bool) -> Purge:
    """Return the purge that an operator asks for; RefusedError where a tag or a URL is none, or there is nothing."""
    purge = Purge(
        tags=tuple(_read_tag(tag) for tag in tags),
        pages=tuple(_read_url(url) for url in urls),
        is_soft=is_soft,
    )
    if not purge.tags and not purge.pages:
        raise RefusedError("nothing to purge", hint="Specify tags, or pages with --url https://HOST/PATH.")
    return purge


def describe_purge(purge: Purge) -> str:
    """Return what is purged, in a few words."""
    words = (*purge.tags, *(page.host + page.path for page in purge.pages))
    return f"{', '.join(words)}{' softly' if purge.is_soft else ''}"


def _read_tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise RefusedError(
            f"{text!r} is not a valid tag",
            hint="Use letters, digits and . _ : / - and start with a letter or digit.",
        )
    return text


def _read_url(text: str) -> PurgedPage:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or re.search(r"[^!-~]", text):
        raise RefusedError(
            f"{text!r} is not a valid page URL", hint="Write https://HOST/PATH, as visitors do."
        )
    query = f"?{parts.query}" if parts.query else ""
    return PurgedPage(host=parts.netloc.lower(), path=(parts.path or "/") + query)


# Carries out orders to forget pages, each once, and acknowledges them.


class PurgeFollower:
    """One cache's orders. A new one starts with the oldest that is kept, because its predecessor's progress is unknown."""

    def __init__(self, cache: Cache, acks: AckWriter) -> None:
        self._cache = cache
        self._acks = acks
        self._done = 0

    def follow(self, orders: tuple[PurgeOrder, ...]) -> int:
        """Carry out what is new; return how many orders that were."""
        new = [order for order in orders if order.revision > self._done]
        for order in new:
            forgotten = self._cache.forget(order.purge)
            self._done = order.revision
            self._acks.serve(PURGES_SUBJECT, order.revision, f"the cache removed {forgotten} pages")
        return len(new)
