"""What a node's agent asks of its running door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class Door(Protocol):
    """A running door on this node.

    UnavailableError where the program does not answer, RefusedError where it does not accept.
    """

    def ensure(self, text: str) -> bool:
        """Start the program with this configuration unless it runs; True where it was started now."""
        ...

    def digest(self) -> str:
        """Return what the running worker says it serves."""
        ...

    def reconfigure(self, text: str, digest: str) -> None:
        """Make it serve another configuration without losing a request; the old one stays where it is refused."""
        ...

    def show_map(self, name: str) -> dict[str, str]:
        """Return what a map of the running program holds."""
        ...

    def process(self) -> int:
        """Return which worker answers: another one has read the map files anew."""
        ...

    def count(self, name: str) -> int:
        """Return how many entries a map of the running program has; at once, whatever their number."""
        ...

    def look_up(self, name: str, key: str) -> tuple[str, str] | None:
        """Return key and value of the entry by which the running program judges a request; None where it finds none."""
        ...

    def add(self, name: str, key: str, value: str) -> None:
        """Give a value to a key that is known to have none; at once, whatever the map's size."""
        ...

    def put(self, name: str, key: str, value: str) -> None:
        """Give one key of a map a value, whether or not it has one."""
        ...

    def remove(self, name: str, key: str) -> None:
        """Forget one key of a map."""
        ...

    def replace_map(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        """Replace a whole map in one step."""
        ...

    def keep_map(self, name: str, entries: Mapping[str, str]) -> None:
        """Leave a map where the next start or reload finds it; nothing that runs changes."""
        ...
