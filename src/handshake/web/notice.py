"""A notice: the page, or the JSON, that stands where a report cannot."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException

from handshake.core.errors import HandshakeError


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One thing to do."""

    words: str
    command: str = ""
    """What to type; empty where there is nothing to type."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What is wrong, what that means for visitors, and what to do."""

    kind: str
    """The error's kind, as `--json` names it."""
    what: str
    meaning: str
    advice: tuple[Advice, ...] = ()
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
        meaning="Everything serves on: ingresses, caches, gateways and instances keep what they have. "
        "Only this page is blind, and changes must wait.",
        advice=(
            *((Advice(words=error.hint),) if error.hint else ()),
            Advice(command="handshake up", words="starts what is missing and adopts what runs."),
            Advice(words="Leave this page open: it comes back by itself."),
        ),
    )


def describe_defect() -> Notice:
    """Return the notice of an error that nobody expected; its traceback is in the log, not on the page."""
    return Notice(
        kind="defect",
        what="The dashboard has a defect",
        meaning="Everything serves on: nothing that serves depends on this page.",
        advice=(
            Advice(command="handshake status", words="shows the same report in a terminal."),
            Advice(words="The control process's log tells what happened."),
        ),
    )


def describe_refusal(error: HTTPException) -> Notice:
    """Return the notice of a request that the dashboard does not answer."""
    return Notice(kind="refused", what=error.detail, meaning="There is one page here, and it is at /.")
