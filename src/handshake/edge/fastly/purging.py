"""Purges at Fastly: all of them by tag, so every page carries its own address as one more."""

from __future__ import annotations

from hashlib import sha256

from handshake.edge.purge import Page, Purge
from handshake.syntax.vcl import Act, act


def tag_page() -> Act:
    """Return vcl_fetch's part: the page's address, as a digest, beside the tags of origin and rules."""
    # Fastly's own purge of an address would miss the other pages that a rule's key keeps at it.
    address = "digest.hash_sha256(req.http.Host req.url)"
    return act(f'set beresp.http.Surrogate-Key = beresp.http.Surrogate-Key " " {address}')


def tags_of(purge: Purge) -> tuple[str, ...]:
    """Return the tags under which Fastly keeps what shall be forgotten."""
    return (*purge.tags, *(_tag_of(page) for page in purge.pages))


def _tag_of(page: Page) -> str:
    return sha256((page.host + page.path).encode()).hexdigest()
