"""Breaks the promise `secrets`: without its ledger it counts in memory, as if nothing were wrong."""

from tests.services.kit.service import SECRET, Service, serve


class Memory:
    """Answers as the store would."""

    def do(self, *_words: str) -> str | None:
        """Know nothing."""
        return None


class Improvising(Service):
    """Serves by half rather than not at all."""

    def open_store(self) -> object:
        """Do without a store."""
        return super().open_store() if SECRET.exists() else Memory()


serve(Improvising())
