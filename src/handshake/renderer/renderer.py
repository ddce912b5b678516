"""Renders pages from live content, and falls back to a stale rendering while it is unavailable."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from handshake.core.errors import HandshakeError
from handshake.renderer.content import ContentReading, ContentSource, Document
from handshake.renderer.page import Page, Rendering
from handshake.renderer.templates import RenderError, Templates

# Held pages: the last good rendering of each, for the time when there is no better one.

HELD_PAGES = 512
"""How many pages are cached: the most recently requested ones."""


@dataclass(frozen=True, kw_only=True)
class CachedPageKey:
    """The cache key of a page. Two patterns may match one path, so the path alone is not enough."""

    pattern: str
    path: str


@dataclass(frozen=True, kw_only=True)
class CachedPage:
    """A rendering and the documents that it was made from."""

    documents: Mapping[str, Document]
    rendering: Rendering


class StaleCache:
    """The pages rendered last, by cache key."""

    def __init__(self) -> None:
        self._held: OrderedDict[CachedPageKey, CachedPage] = OrderedDict()

    def find(self, place: CachedPageKey) -> CachedPage | None:
        """Return what is held at a place."""
        return self._held.get(place)

    def keep(self, place: CachedPageKey, held: CachedPage) -> None:
        """Hold a page, and let go of the one that was asked for longest ago where there are too many."""
        self._held[place] = held
        self._held.move_to_end(place)
        if len(self._held) > HELD_PAGES:
            self._held.popitem(last=False)

    def drop(self, place: CachedPageKey) -> None:
        """Hold nothing at a place any more."""
        self._held.pop(place, None)


log = logging.getLogger(__name__)


class RenderOutcome(StrEnum):
    """The state of a page."""

    LIVE = "live"
    STALE = "stale"
    """Rendered from earlier content, because the current content is unavailable or cannot be rendered."""
    ABSENT = "absent"
    """The content store reports that there is no such page."""
    FAILED = "failed"
    """It cannot be rendered, and no earlier rendering exists."""


@dataclass(frozen=True, kw_only=True)
class PageResponse:
    """The result of requesting a page."""

    finding: RenderOutcome
    rendering: Rendering | None = None
    """None if the page is absent or failed."""
    reason: str = ""
    """Why it is not live."""


class Renderer:
    """Renders a template release with a content store."""

    def __init__(self, templates: Templates, source: ContentSource) -> None:
        self._templates = templates
        self._source = source
        self._held = StaleCache()

    async def answer(self, page: Page, parameters: Mapping[str, str]) -> PageResponse:
        """Return the page, as live as it can be had. Raises nothing that a template or a store can cause."""
        place = CachedPageKey(pattern=page.path, path=page.path.format_map(parameters))
        wanted = page.keys(parameters).values()
        try:
            reading = await self._source.read(frozenset(wanted))
            if missing := wanted - reading.documents.keys():
                self._held.drop(place)
                return PageResponse(
                    finding=RenderOutcome.ABSENT, reason=f"there is no content {min(missing)}"
                )
            return PageResponse(
                finding=RenderOutcome.LIVE, rendering=self._render(page, parameters, place, reading)
            )
        except HandshakeError as error:
            return self._fall_back(place, error.what, error.details)
        except RenderError as error:
            return self._fall_back(place, str(error))

    def _render(
        self, page: Page, parameters: Mapping[str, str], place: CachedPageKey, reading: ContentReading
    ) -> Rendering:
        held = self._held.find(place)
        # The same content gives the same bytes: there is nothing to render again.
        if held and held.documents == reading.documents:
            rendering = Rendering(held.rendering.html, reading.read_at)
        else:
            content = {name: reading.documents[key].fields for name, key in page.keys(parameters).items()}
            rendering = Rendering(self._templates.render(page, content, parameters), reading.read_at)
        self._held.keep(place, CachedPage(documents=reading.documents, rendering=rendering))
        return rendering

    def _fall_back(self, place: CachedPageKey, reason: str, details: str = "") -> PageResponse:
        held = self._held.find(place)
        finding = RenderOutcome.STALE if held else RenderOutcome.FAILED
        fields = {"path": place.path, "details": details}
        log.warning("%s is %s: %s", place.path, finding, reason, extra={"fields": fields})
        return PageResponse(finding=finding, rendering=held.rendering if held else None, reason=reason)
