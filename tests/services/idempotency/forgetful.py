"""Breaks the promise `idempotency`: it counts a thing as often as it is sent."""

from tests.services.kit.service import Service, serve


class Forgetful(Service):
    """Does not look at the key."""

    def write(self, key: str) -> dict[str, object]:
        """Count."""
        self.store.do("INCR", "count")
        return {"key": key}


serve(Forgetful())
