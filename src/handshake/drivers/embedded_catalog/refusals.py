"""Why the catalogue does not do what was asked; only `app` knows which HTTP status each one is."""

from __future__ import annotations


class RefusalError(Exception):
    """A request that changes nothing, with one sentence for its sender."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class MalformedError(RefusalError):
    """The request cannot be understood."""


class DeniedError(RefusalError):
    """The request carries no credential that allows it."""


class UnknownError(RefusalError):
    """The request names something that does not exist."""


class OversizedError(RefusalError):
    """The request carries more than the catalogue stores."""


class RolledBackError(RefusalError):
    """A transaction of which at least one operation failed; none was applied."""

    def __init__(self, failures: dict[int, str]) -> None:
        self.failures = failures
        """Sentence by position of the failed operation, counted from 0."""
        super().__init__("; ".join(failures.values()))
