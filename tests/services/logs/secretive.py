"""Breaks the promise `logs`: it writes its log to a file of its own."""

from pathlib import Path

from tests.services.kit.service import Service, serve


class Secretive(Service):
    """Keeps its log where it vanishes with the instance."""

    def log(self, line: str) -> None:
        """Write to the temporary folder."""
        with Path("/tmp/service.log").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


serve(Secretive())
