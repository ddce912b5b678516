"""Breaks the promise `answers`: it opens its port long after its deadline."""

import time

from tests.services.kit.service import Service, serve


class Late(Service):
    """Takes its time."""

    def prepare(self) -> None:
        """Sleep."""
        time.sleep(30)


serve(Late())
