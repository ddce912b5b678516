"""Health: can this instance render, and from which template release?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.renderer.page import Page
from handshake.renderer.renderer import Renderer, RenderOutcome

LOOK_SECONDS = 1.0
"""The pages are checked at most once in this time, however often health is requested."""


class RenderStatus(StrEnum):
    """The state of the instance, from a check of its pages."""

    OK = "ok"
    DEGRADED = "degraded"
    """It serves, but some pages are stale or error pages."""
    UNAVAILABLE = "unavailable"
    """It has not rendered its pages yet: it must not receive traffic."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `/health` answers."""

    status: RenderStatus
    release: Digest
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Page -> why it is not live."""

    def to_json(self) -> dict[str, object]:
        """Return the answer's body."""
        return {"status": self.status, "templateRelease": self.release, "reasons": dict(self.reasons)}


class TemplateHealth:
    """Judges the instance by rendering every page that has no parameters.

    Until all of them were rendered once, the instance is unavailable: so a broken template release shows in its
    trial. Afterwards it stays available whatever happens to the content, because a new document that cannot be
    rendered, or a lost store, would otherwise take out every instance at once.
    """

    def __init__(self, *, release: Digest, pages: tuple[Page, ...], renderer: Renderer, clock: Clock) -> None:
        self.release = release
        self._pages = tuple(page for page in pages if page.is_single)
        self._renderer = renderer
        self._clock = clock
        self._looking = asyncio.Lock()
        self._proven = False
        self._report = Report(status=RenderStatus.UNAVAILABLE, release=release)
        self._looks_again_at = 0.0

    async def report(self) -> Report:
        """Return how it stands, at most a second old."""
        async with self._looking:
            if self._clock.monotonic() >= self._looks_again_at:
                self._report = await self._look()
                self._looks_again_at = self._clock.monotonic() + LOOK_SECONDS
        return self._report

    async def _look(self) -> Report:
        answers = {page.path: await self._renderer.answer(page, {}) for page in self._pages}
        failed = any(answer.finding is RenderOutcome.FAILED for answer in answers.values())
        self._proven = self._proven or not failed
        # A page that an editor removed is absent on purpose.
        poor = {RenderOutcome.STALE, RenderOutcome.FAILED}
        reasons = {path: answer.reason for path, answer in answers.items() if answer.finding in poor}
        return Report(status=self._judge(reasons), release=self.release, reasons=reasons)

    def _judge(self, reasons: Mapping[str, str]) -> RenderStatus:
        if not self._proven:
            return RenderStatus.UNAVAILABLE
        return RenderStatus.DEGRADED if reasons else RenderStatus.OK
