"""Small servers that misbehave on purpose, and ways to send them something."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from handshake.drills.plan import Target

Step = Callable[[asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """A listener that counts its connections, and keeps the heads of the requests that it has read."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.connections = 0
        self.peers: list[str] = []
        self.heads: list[str] = []
        self._steps = steps
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the nth request of each connection with the nth step; the last step is repeated."""
        self.connections += 1
        self.peers.append(writer.get_extra_info("peername")[0])
        self.writers.append(writer)
        served = 0
        # A cancelled handler would be an error in the eyes of the event loop's streams.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                await self._read_request(reader)
                await self._steps[min(served, len(self._steps) - 1)](writer)
                served += 1

    def hang_up(self) -> None:
        """Close every connection."""
        for writer in self.writers:
            writer.close()

    async def _read_request(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        lengths = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
        await reader.readexactly(int(lengths[0].partition(":")[2]) if lengths else 0)


@asynccontextmanager
async def serving(*steps: Step) -> AsyncIterator[tuple[Server, Target]]:
    """Serve with these steps on a free port while the block runs."""
    server = Server(steps)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield server, Target(host="127.0.0.1", port=listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        server.hang_up()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def say(answer: bytes) -> Step:
    """Answer with these bytes and keep the connection."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return step


def say_and_close(answer: bytes) -> Step:
    """Answer with these bytes, then end the connection in good order."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    return step


def say_and_reset(answer: bytes) -> Step:
    """Answer with these bytes, then tear the connection down."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        reset(writer)

    return step


def say_and_hang(answer: bytes) -> Step:
    """Answer with these bytes, then nothing more."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await asyncio.Event().wait()

    return step


def reset(writer: asyncio.StreamWriter) -> None:
    """Tear a connection down, so that the other side sees a reset."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
