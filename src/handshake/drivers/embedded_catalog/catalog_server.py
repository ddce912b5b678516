"""What the routes share: the storage they read, the writer they write through, and who waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request

from handshake.drivers.embedded_catalog.blocking import BlockingResult, Watchers, observe
from handshake.drivers.embedded_catalog.documents import NodeDocument
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.requests import refuse_unsupported
from handshake.drivers.embedded_catalog.storage import Storage
from handshake.drivers.embedded_catalog.writer import Work, Writer

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class CatalogServer:
    """The catalogue behind the routes."""

    node: NodeDocument
    storage: Storage
    watchers: Watchers
    writer: Writer

    async def write(self, work: Work[T]) -> T:
        """Do the work as one change, on disk when this returns."""
        return await self.writer.write(work)

    async def observe(
        self, request: Request, *topics: Topic, question: Callable[[sqlite3.Connection], T]
    ) -> BlockingResult[T]:
        """Answer the question now, or as a blocking query on these topics."""
        refuse_unsupported(request)
        return await observe(request, self.storage, self.watchers, topics, question)
