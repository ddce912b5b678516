"""Breaks the promise `memory`: it keeps a mebibyte of every request."""

from tests.services.kit.service import Service, serve


class Hoarding(Service):
    """Lets go of nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytearray] = []

    def read(self) -> dict[str, object]:
        """Keep a mebibyte."""
        self.kept.append(bytearray(1 << 20))
        return super().read()


serve(Hoarding())
