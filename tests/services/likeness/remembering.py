"""Breaks the promise `likeness`: it counts its visitors in its own memory."""

from tests.services.kit.service import Service, serve


class Remembering(Service):
    """Knows how often it was asked, and its twin does not."""

    visitors = 0

    def read(self) -> dict[str, object]:
        """Count the visitor."""
        self.visitors += 1
        return {**super().read(), "visitors": self.visitors}


serve(Remembering())
