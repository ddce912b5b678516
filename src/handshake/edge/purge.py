"""What a cache shall forget: pages by their tags, or by their URLs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page's address, as visitors ask for it."""

    host: str
    """As it stands in `Host`, in small letters: `www.example.org`, `localhost:8080`."""
    path: str
    """With its query."""


@dataclass(frozen=True, kw_only=True)
class Purge:
    """Pages that are outdated."""

    tags: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()
    is_soft: bool = False
    """Whether a page stays at hand for when its origin is down, instead of being forgotten."""
