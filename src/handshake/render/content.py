"""Content: the documents that pages are made of, as every content store must give them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from handshake.core.errors import RefusedError


@dataclass(frozen=True, kw_only=True)
class Document:
    """One piece of content: a JSON object."""

    key: str
    """Such as `page:donate`."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Documents as they stood together at one moment."""

    documents: Mapping[str, Document]
    """By key. What was asked for and is not here does not exist: it was never written, or was removed."""
    read_at: float
    """UTC, seconds since the epoch."""


class ContentSource(Protocol):
    """A store of live content."""

    async def read(self, keys: frozenset[str]) -> Reading:
        """Return the documents of these keys, all from one moment, within half a second.

        UnavailableError: the store does not answer, or nobody has filled it yet.
        RefusedError: what lies under one of the keys is no document.
        """
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


def parse_document(key: str, text: str | bytes) -> Document:
    """Return a stored text as a document; RefusedError where it is no JSON object."""
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise RefusedError(f"the content {key} is no JSON", details=str(error)) from error
    if not isinstance(fields, dict):
        raise RefusedError(f"the content {key} is no JSON object")
    return Document(key=key, fields=fields)
