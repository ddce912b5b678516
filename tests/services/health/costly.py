"""Breaks the promise `health`: every answer costs 40 ms of processor time."""

import time

from tests.services.kit.service import Service, serve


class Costly(Service):
    """Thinks hard about how it is."""

    def health(self) -> dict[str, object]:
        """Burn processor time."""
        begun = time.thread_time()
        while time.thread_time() - begun < 0.04:
            pass
        return super().health()


serve(Costly())
