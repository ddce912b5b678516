"""The VCLs of one cache: each is printed once from what it is made of, and named after its text."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from handshake.core.digest import digest_bytes, digits
from handshake.edge.policy import Policy
from handshake.edge.vcl.compile import compile_cache
from handshake.edge.vcl.site_copy import CopyRoute
from handshake.edge.vcl.surroundings import CacheSurroundings, PreviewRoute, SiteRoute
from handshake.syntax.vcl import print_vcl

_KEPT = 4
"""Who goes back finds the program that was served before: it need not be printed, compiled or loaded."""


@dataclass(frozen=True, kw_only=True)
class CacheContent:
    """All that a VCL is made from, besides the node's sockets."""

    policy: Policy
    sites: tuple[SiteRoute, ...]
    previews: tuple[PreviewRoute, ...]
    copy: CopyRoute | None


@dataclass(frozen=True, kw_only=True)
class CacheProgram:
    """A VCL."""

    content: CacheContent
    name: str
    """Made from the text, so that what is read back says what is served."""
    text: str


class CachePrograms:
    """The last few VCLs of a cache, which stay loaded."""

    def __init__(self, surroundings: CacheSurroundings) -> None:
        self._surroundings = surroundings
        self._kept: deque[CacheProgram] = deque(maxlen=_KEPT)

    @property
    def names(self) -> tuple[str, ...]:
        """What must stay loaded."""
        return tuple(program.name for program in self._kept)

    def make(self, content: CacheContent) -> CacheProgram:
        """Return the program of this content, which is from now on the youngest."""
        known = next((each for each in self._kept if each.content == content), None)
        program = known or self._print(content)
        if known:
            self._kept.remove(known)
        self._kept.append(program)
        return program

    def _print(self, content: CacheContent) -> CacheProgram:
        text = print_vcl(
            compile_cache(content.policy, self._surroundings, content.sites, content.previews, content.copy)
        )
        return CacheProgram(content=content, name=f"hs_{digits(digest_bytes(text.encode()))[:24]}", text=text)
