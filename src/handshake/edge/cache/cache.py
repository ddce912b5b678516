"""The cache's Protocol, and the scope of a purge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

# What a cache should forget: pages by their tags, or by their URLs.


@dataclass(frozen=True, kw_only=True)
class PurgedPage:
    """One page's address, as visitors ask for it."""

    host: str
    """As in `Host`, in lower case: `www.example.org`, `localhost:8080`."""
    path: str
    """With its query."""


@dataclass(frozen=True, kw_only=True)
class Purge:
    """Pages that are outdated."""

    tags: tuple[str, ...] = ()
    pages: tuple[PurgedPage, ...] = ()
    is_soft: bool = False
    """Whether a page stays available in case its origin is down, instead of being removed."""


class Cache(Protocol):
    """A running cache and the programs (VCLs) that it holds, each named after its content.

    Every method may be repeated. UnavailableError: it does not answer, and nothing was changed.
    """

    def active(self) -> str:
        """Return the name of the program that serves, read back from the cache; empty while none does."""
        ...

    def prepare(self, name: str, text: str) -> None:
        """Compile and load a program beside the one that serves; takes a second or so.

        RefusedError, with the compiler's words in its details, where the text means nothing; what serves goes on.
        """
        ...

    def flip(self, name: str) -> None:
        """Let a prepared program serve every request from now on; requests under way keep theirs.

        RefusedError where it was never prepared. The cache itself remembers, and starts with it after a restart.
        """
        ...

    def warm(self, requests: Sequence[Mapping[str, str]]) -> int:
        """Fetch what these requests, given as headers, ask for; return how many answers there were in time.

        Never fails: what was not fetched is fetched for the first visitor.
        """
        ...

    def forget(self, purge: Purge) -> int:
        """Forget pages, or mark them as ended; return how many there were."""
        ...

    def discard_others(self, *keep: str) -> None:
        """Forget every program but these and the one that serves."""
        ...
