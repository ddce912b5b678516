"""A notice: the page, or the JSON, that replaces a report that is not available."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException

from handshake.core.errors import HandshakeError


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One thing to do."""

    words: str
    command: str = ""
    """The command to run; empty if there is none."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What is wrong, what it means for visitors, and what to do."""

    kind: str
    """The error's kind, as in `--json`."""
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
        meaning="Everything keeps serving: ingresses, caches, gateways and instances keep their state. "
        "Only this page has no data, and changes must wait.",
        advice=(
            *((Advice(words=error.hint),) if error.hint else ()),
            Advice(command="handshake up", words="starts what is missing and adopts what runs."),
            Advice(words="Leave this page open: it reloads by itself."),
        ),
    )


def describe_defect() -> Notice:
    """Return the notice of an error that nobody expected; its traceback is in the log, not on the page."""
    return Notice(
        kind="defect",
        what="The dashboard failed",
        meaning="Everything keeps serving: nothing depends on this page.",
        advice=(
            Advice(command="handshake status", words="shows the same report in a terminal."),
            Advice(words="The log of the control process has the details."),
        ),
    )


def describe_refusal(error: HTTPException) -> Notice:
    """Return the notice of a request that the dashboard does not answer."""
    return Notice(kind="refused", what=error.detail, meaning="The only page is /.")
