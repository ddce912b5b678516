"""Fills an empty content store with a campaign's first documents."""

from __future__ import annotations

from pathlib import Path

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from handshake.core.digest import canonical_json
from handshake.core.errors import UnavailableError
from handshake.drivers.redis.keys import FILLED
from handshake.render.content import Document
from handshake.render.seed import read_documents

SECONDS = 2.0
"""How long the store may take to accept a connection, and to answer."""


def seed_content(url: str, folder: Path) -> tuple[str, ...]:
    """Write a folder's documents into the store at a URL, and return the keys that were new.

    Atomic, and idempotent: a document that is there already stays as its editor left it.
    ProblemsError names every file that is no document, before anything is written. UnavailableError.
    """
    documents = read_documents(folder)
    try:
        with Redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS) as redis:
            return _write_new(redis.pipeline(transaction=True), documents)
    except RedisError as error:
        raise UnavailableError("the content store does not answer", details=str(error)) from error


def _write_new(pipeline: Pipeline, documents: tuple[Document, ...]) -> tuple[str, ...]:
    for document in documents:
        pipeline.set(document.key, canonical_json(document.fields), nx=True)
    pipeline.set(FILLED, 1, nx=True)
    *written, _filled = pipeline.execute()
    return tuple(document.key for document, new in zip(documents, written, strict=True) if new)
