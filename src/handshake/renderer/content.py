"""Content: the documents of pages, the Protocol of their store, and its circuit breaker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from handshake.core.clock import Clock
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.problem import Location, Problem, ProblemsError


@dataclass(frozen=True, kw_only=True)
class Document:
    """One piece of content: a JSON object."""

    key: str
    """Such as `page:donate`."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ContentReading:
    """Documents as they were together at one moment."""

    documents: Mapping[str, Document]
    """By key. A requested key that is missing here does not exist in the store."""
    read_at: float
    """UTC, seconds since the epoch."""


class ContentSource(Protocol):
    """A store of live content."""

    async def read(self, keys: frozenset[str]) -> ContentReading:
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
        raise RefusedError(f"the content {key} is not valid JSON", details=str(error)) from error
    if not isinstance(fields, dict):
        raise RefusedError(f"the content {key} is not a JSON object")
    return Document(key=key, fields=fields)


# Calm: a content store that has just failed is left alone for a moment, so that no visitor waits for it.

PAUSE_SECONDS = 1.0


class CircuitBreaker:
    """A content source that repeats its last failure for a second before it asks the store again."""

    def __init__(self, source: ContentSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._failure: UnavailableError | None = None
        self._asks_again_at = 0.0

    async def read(self, keys: frozenset[str]) -> ContentReading:
        """Return the documents; UnavailableError at once while the pause lasts."""
        if self._failure and self._clock.monotonic() < self._asks_again_at:
            raise UnavailableError(self._failure.what, details=self._failure.details)
        try:
            reading = await self._source.read(keys)
        except UnavailableError as failure:
            self._failure = failure
            self._asks_again_at = self._clock.monotonic() + PAUSE_SECONDS
            raise
        self._failure = None
        return reading

    async def close(self) -> None:
        """Close the store."""
        await self._source.close()


# A folder of JSON files as documents: what a content store is filled with before anybody has edited it.


def read_documents(folder: Path) -> tuple[Document, ...]:
    """Return a folder's documents; ProblemsError names every file that holds none.

    `page/home.json` is the document `page:home`; files that do not end in `.json` are left alone.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in sorted(folder.rglob("*.json")):
        try:
            documents.append(_read_document(folder, path))
        except RefusedError as error:
            problems.append(_problem(path, error))
    if problems:
        raise ProblemsError(problems)
    return tuple(documents)


def _read_document(folder: Path, path: Path) -> Document:
    key = ":".join(path.relative_to(folder).with_suffix("").parts)
    return parse_document(key, path.read_bytes())


def _problem(path: Path, error: RefusedError) -> Problem:
    return Problem(
        check="content-document",
        what=f"{error.what}{f': {error.details}' if error.details else ''}",
        where=Location(file=str(path)),
        hint="A document must be one JSON object: { ... }.",
    )
