"""Held pages: the last good rendering of each, for the time when there is no better one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from handshake.render.content import Document
from handshake.render.page import Rendering

HELD_PAGES = 512
"""How many pages are held: those asked for last."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a page is held. Two patterns may stand for one path, so the path alone would not do."""

    pattern: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Held:
    """A rendering and the documents that it was made from."""

    documents: Mapping[str, Document]
    rendering: Rendering


class HeldPages:
    """The pages rendered last, by place."""

    def __init__(self) -> None:
        self._held: OrderedDict[Place, Held] = OrderedDict()

    def find(self, place: Place) -> Held | None:
        """Return what is held at a place."""
        return self._held.get(place)

    def keep(self, place: Place, held: Held) -> None:
        """Hold a page, and let go of the one that was asked for longest ago where there are too many."""
        self._held[place] = held
        self._held.move_to_end(place)
        if len(self._held) > HELD_PAGES:
            self._held.popitem(last=False)

    def drop(self, place: Place) -> None:
        """Hold nothing at a place any more."""
        self._held.pop(place, None)
