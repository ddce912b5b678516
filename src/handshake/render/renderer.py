"""Renders pages from live content, and falls back to what it rendered last: content loss is no outage."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from handshake.core.errors import HandshakeError
from handshake.render.content import ContentSource, Reading
from handshake.render.held import Held, HeldPages, Place
from handshake.render.page import Page, Rendering
from handshake.render.templates import RenderError, Templates

log = logging.getLogger(__name__)


class Finding(StrEnum):
    """How it stands with a page."""

    LIVE = "live"
    STALE = "stale"
    """Rendered from earlier content, because today's cannot be had or cannot be rendered."""
    ABSENT = "absent"
    """The content store says that there is no such page."""
    FAILED = "failed"
    """It cannot be rendered, and nothing earlier is held."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of asking for a page."""

    finding: Finding
    rendering: Rendering | None = None
    """None where the page is absent or failed."""
    reason: str = ""
    """Why it is not live."""


class Renderer:
    """A template release in front of a content store."""

    def __init__(self, templates: Templates, source: ContentSource) -> None:
        self._templates = templates
        self._source = source
        self._held = HeldPages()

    async def answer(self, page: Page, parameters: Mapping[str, str]) -> Answer:
        """Return the page, as live as it can be had. Raises nothing that a template or a store can cause."""
        place = Place(pattern=page.path, path=page.path.format_map(parameters))
        wanted = page.keys(parameters).values()
        try:
            reading = await self._source.read(frozenset(wanted))
            if missing := wanted - reading.documents.keys():
                self._held.drop(place)
                return Answer(finding=Finding.ABSENT, reason=f"there is no content {min(missing)}")
            return Answer(finding=Finding.LIVE, rendering=self._render(page, parameters, place, reading))
        except HandshakeError as error:
            return self._fall_back(place, error.what, error.details)
        except RenderError as error:
            return self._fall_back(place, str(error))

    def _render(self, page: Page, parameters: Mapping[str, str], place: Place, reading: Reading) -> Rendering:
        held = self._held.find(place)
        # The same content gives the same bytes: there is nothing to render again.
        if held and held.documents == reading.documents:
            rendering = Rendering(held.rendering.html, reading.read_at)
        else:
            content = {name: reading.documents[key].fields for name, key in page.keys(parameters).items()}
            rendering = Rendering(self._templates.render(page, content, parameters), reading.read_at)
        self._held.keep(place, Held(documents=reading.documents, rendering=rendering))
        return rendering

    def _fall_back(self, place: Place, reason: str, details: str = "") -> Answer:
        held = self._held.find(place)
        finding = Finding.STALE if held else Finding.FAILED
        fields = {"path": place.path, "details": details}
        log.warning("%s is %s: %s", place.path, finding, reason, extra={"fields": fields})
        return Answer(finding=finding, rendering=held.rendering if held else None, reason=reason)
