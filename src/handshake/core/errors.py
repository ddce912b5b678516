"""What can go wrong when a driver acts, as four answers to the question what to do next."""

from __future__ import annotations


class HandshakeError(Exception):
    """An expected failure: what is wrong, what to do about it, and a third party's own words."""

    def __init__(self, what: str, *, hint: str = "", details: str = "") -> None:
        self.what = what
        self.hint = hint
        self.details = details
        super().__init__(what)


class ConflictError(HandshakeError):
    """Somebody moved it since you looked: read again, then decide again."""


class RefusedError(HandshakeError):
    """A rule says no; trying again changes nothing."""


class UnavailableError(HandshakeError):
    """It does not answer now; nothing was changed; try later."""


class OutcomeUnknownError(HandshakeError):
    """It may have happened: observe before trying again."""
