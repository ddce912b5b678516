"""The Protocol of what sees an instance from outside, whatever the instance says of itself."""

from __future__ import annotations

from typing import Protocol


class Witness(Protocol):
    """Looks at the instances of one host. Of an instance that has ended, or was never there, it sees nothing."""

    def kill(self, instance: str) -> None:
        """Send SIGKILL, and return once it has ended; idempotent."""
        ...

    def exit_code(self, instance: str) -> int | None:
        """Return how it ended, as a shell says it; None while it runs, and while nobody has written it down."""
        ...

    def listening(self, instance: str) -> tuple[str, ...]:
        """Return every `address:port` on which one of its processes accepts TCP connections."""
        ...

    def processor_seconds(self, instance: str) -> float:
        """Return the processor time that its processes have used, ended children included."""
        ...

    def data_megabytes(self, instance: str) -> float:
        """Return the data of its largest process: heap, stacks and private mappings."""
        ...
