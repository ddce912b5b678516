"""The four ways in which a driver's action can fail, by what the caller should do next."""

from __future__ import annotations


class HandshakeError(Exception):
    """An expected failure: what is wrong, what to do about it, and a third party's error message."""

    def __init__(self, what: str, *, hint: str = "", details: str = "") -> None:
        self.what = what
        self.hint = hint
        self.details = details
        super().__init__(what)


class ConflictError(HandshakeError):
    """It was changed since you looked: read again, then decide again."""


class RefusedError(HandshakeError):
    """A rule refuses it; trying again changes nothing."""


class UnavailableError(HandshakeError):
    """It does not answer at present; nothing was changed; try later."""


class OutcomeUnknownError(HandshakeError):
    """It may have happened: observe before trying again."""
