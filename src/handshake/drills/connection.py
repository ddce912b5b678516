"""One TCP connection of a visitor. It sends a request once; whatever happens then is what happened."""

from __future__ import annotations

import asyncio
import socket

import h11

from handshake.drills.answer import Answer
from handshake.drills.result import FailedError, Failure
from handshake.drills.target import Target

READ_BYTES = 65536
IP_BIND_ADDRESS_NO_PORT = 24
"""Linux: choose the port when connecting, so that ports of closed connections need not wait a minute."""


async def connect(target: Target, source: str) -> Connection:
    """Open a connection to the target from a source address; FailedError where none comes about."""
    plug = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        plug.setblocking(False)  # noqa: FBT003 -- the standard library's own signature
        plug.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        plug.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(plug, (target.host, target.port))
        reader, writer = await asyncio.open_connection(sock=plug)
    except OSError as error:
        plug.close()
        raise FailedError(Failure.CONNECT, str(error)) from error
    except BaseException:
        plug.close()
        raise
    return Connection(plug, reader, writer)


class Connection:
    """An open connection, for one request at a time."""

    def __init__(
        self, plug: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._plug = plug
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self._has_ended = False

    @property
    def is_spent(self) -> bool:
        """Whether the idle connection was closed by the server, or holds bytes that nobody asked for.

        This asks the kernel: the event loop may not have come around to reading the end of file.
        """
        try:
            self._plug.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return self._reader.at_eof()
        except OSError:
            return True
        return True

    async def exchange(self, request: h11.Request, body: bytes) -> Answer:
        """Send a request and return its complete answer; FailedError where none comes."""
        try:
            self._writer.write(self._print(request, body))
            return await self._receive()
        except OSError as error:
            raise FailedError(Failure.RESET, str(error) or type(error).__name__) from error

    def renew(self) -> bool:
        """Make the connection ready for another request; False where it has to be closed."""
        is_whole = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if not is_whole or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        """Close the connection; idempotent."""
        self._writer.close()

    def _print(self, request: h11.Request, body: bytes) -> bytes:
        head = self._http.send(request) or b""
        content = self._http.send(h11.Data(data=body)) or b"" if body else b""
        return head + content + (self._http.send(h11.EndOfMessage()) or b"")

    async def _receive(self) -> Answer:
        status, body = 0, bytearray()
        while True:
            match await self._next_event():
                case h11.Response(status_code=status):
                    pass
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    return Answer(status=status, body=bytes(body))

    async def _next_event(self) -> h11.Event:
        while not isinstance(event := self._parse(), h11.Event):
            data = await self._reader.read(READ_BYTES)
            self._has_ended = not data
            self._http.receive_data(data)
        return event

    def _parse(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            failure = Failure.EOF if self._has_ended else Failure.BODY
            raise FailedError(failure, str(error)) from error
