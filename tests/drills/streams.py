"""A member that holds connections for as long as it is told to: server-sent events and WebSockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket

from tests.live.backends import Backend, Loop, _read_message

EVENT_SECONDS = 0.05
KEY = b"aGFuZHNoYWtlISEhISEhIQ=="
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3: HAProxy looks whether the answer was made from the question."""
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\n\r\n" % base64.b64encode(hashlib.sha1(KEY + _GUID).digest())
)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n"


class StreamingBackend(Backend):
    """Sends events on /stream until it is told that it is over; echoes what comes on an upgraded connection."""

    def __init__(self, loop: Loop, name: str) -> None:
        self.is_over = asyncio.Event()
        self._held: set[asyncio.StreamWriter] = set()
        super().__init__(loop, name)

    def finish(self) -> None:
        """Let every stream come to its end."""
        self._loop.loop.call_soon_threadsafe(self.is_over.set)

    def kill(self) -> None:
        """Cut every connection, as SIGKILL does once a drain took too long."""
        self.stop()
        self._loop.run(self._cut())

    async def _cut(self) -> None:
        for writer in self._held:
            writer.transport.abort()

    async def _serve(self, channel: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=channel)
        self._held.add(writer)
        try:
            head, _ = await _read_message(reader)
            if b"upgrade: websocket" in head.lower():
                await self._echo(reader, writer)
            elif b"/stream " in head:
                await self._send_events(writer)
            else:
                writer.write(
                    b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"%s"'
                    % (len(self.name) + 2, self.name.encode())
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._held.discard(writer)
            writer.close()

    async def _send_events(self, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        while not self.is_over.is_set():
            writer.write(b"data: still here\n\n")
            await writer.drain()
            await asyncio.sleep(EVENT_SECONDS)
        writer.write(b"data: the end\n\n")
        await writer.drain()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCH)
        while not self.is_over.is_set() and (said := await reader.readline()):
            writer.write(said)
            await writer.drain()
