"""Replacement permits in the catalogue, read and written by check-and-set, one record per service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Put
from handshake.catalog.keys import permits_key
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import ConflictError
from handshake.fleet.instance import InstanceReport
from handshake.fleet.load_balancer.permits import Book, PermitRuling, ask_permit, give_back

_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class ReplacementPace:
    """How fast a service may be replaced."""

    budget: int
    soak_seconds: float
    """How long a successor must have been well before it gives a permit back."""


class PermitStore:
    """Answers stale instances and hears of their successors."""

    def __init__(self, catalog: Catalog, clock: Clock, pace_of: Callable[[str], ReplacementPace]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._pace_of = pace_of

    def ask(self, report: InstanceReport, release: Digest) -> PermitRuling:
        """Return whether a stale instance may be replaced now.

        UnavailableError where the catalogue does not say, ConflictError where others are always faster.
        """
        budget = self._pace_of(report.service).budget

        def rule(book: Book) -> PermitRuling:
            return ask_permit(book, report.instance, release, budget=budget, now=self._clock.now())

        return self._revise(report.service, rule)

    def hear(self, report: InstanceReport, release: Digest, *, is_fresh: bool) -> None:
        """Note that an instance is well: once it has soaked, its predecessor's permit is free again."""
        ready = report.verdicts.ready
        soak_seconds = self._pace_of(report.service).soak_seconds
        if not ready.is_yes or ready.since + soak_seconds > self._clock.now():
            return

        def rule(book: Book) -> PermitRuling:
            after = give_back(
                book, report.instance, started_at=report.started_at, release=release, is_fresh=is_fresh
            )
            return PermitRuling(book=after, is_held=False, why="")

        self._revise(report.service, rule)

    def _revise(self, service: str, rule: Callable[[Book], PermitRuling]) -> PermitRuling:
        """Write what a rule makes of the book; read again where somebody else was faster."""
        for _ in range(_TRIES):
            entry = self._catalog.get(permits_key(service))
            book = decode(Book, entry.value) if entry else Book()
            ruling = rule(book)
            if ruling.book == book:
                return ruling
            put = Put(
                key=permits_key(service), value=encode(ruling.book), if_index=entry.index if entry else 0
            )
            try:
                self._catalog.transact([put])
            except ConflictError:
                continue
            return ruling
        raise ConflictError(f"the permits of {service} are written by others all the time")
