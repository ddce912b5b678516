"""Breaks the promise `read-only`: it wants to write beside its own code."""

from pathlib import Path

from tests.services.kit.service import Service, serve


class Scribbling(Service):
    """Would keep its state in the image, if it could."""

    def prepare(self) -> None:
        """Write a file."""
        try:
            Path("/app/state.json").write_text("{}", encoding="utf-8")
        except OSError as error:
            self.log(f"going on without state: {error}")


serve(Scribbling())
