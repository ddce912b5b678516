"""A notice: the page, or the JSON, that stands where a report cannot."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException

from handshake.core.errors import HandshakeError

_WHAT_TO_DO = (
    "See what runs: `handshake status` on any node.",
    "Start what is missing: `handshake up` again. It adopts what runs and restarts none of it.",
    "Leave this page open: it comes back by itself.",
)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What is wrong, what that means for visitors, and what to do."""

    kind: str
    """The error's kind, as `--json` names it."""
    what: str
    meaning: str
    steps: tuple[str, ...]
    hint: str = ""
    details: str = ""

    def to_json(self) -> dict[str, dict[str, str]]:
        """Return the same object that a verb prints with `--json`."""
        said = {"kind": self.kind, "what": self.what, "hint": self.hint, "details": self.details}
        return {"error": said}


def describe_failure(error: HandshakeError) -> Notice:
    """Return the notice of a report that could not be read."""
    return Notice(
        kind=type(error).__name__.removesuffix("Error").lower(),
        what=error.what,
        hint=error.hint,
        details=error.details,
        meaning="Everything serves on: doors, caches, gateways and instances keep what they have. "
        "Only this page is blind, and whatever is changed now waits.",
        steps=_WHAT_TO_DO,
    )


def describe_defect() -> Notice:
    """Return the notice of an error that nobody expected; its traceback is in the log, not on the page."""
    return Notice(
        kind="defect",
        what="The dashboard has a defect",
        meaning="Everything serves on: nothing that serves depends on this page.",
        steps=(
            "See the report in a terminal: `handshake status`.",
            "Look into the control process's log.",
        ),
    )


def describe_refusal(error: HTTPException) -> Notice:
    """Return the notice of a request that the dashboard does not answer."""
    return Notice(
        kind="refused", what=error.detail, meaning="There is one page here, and it is at /.", steps=()
    )
