"""What a service is to the gateway, and what visitors are: small servers and a load, on one event loop."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Coroutine, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Self

TIMEOUT_SECONDS = 15
BODY = b"x" * 2000


class Loop:
    """An event loop in a thread of its own; everything on it ends with the `with` block."""

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.backends: list[Backend] = []
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(_end(self.backends))
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_SECONDS)


class Backend:
    """One instance of a service: answers every request with its own name and the size of the body."""

    def __init__(self, loop: Loop, name: str, *, delay_seconds: float = 0.01, headers: str = "") -> None:
        self.name = name
        self.requests = 0
        self.seen: list[str] = []
        self._delay_seconds = delay_seconds
        self._headers = headers
        self._loop = loop
        self._work: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)  # noqa: FBT003 -- the standard library's own signature
        self.port: int = self._listener.getsockname()[1]
        loop.run(self._open())
        loop.backends.append(self)

    def stop(self) -> None:
        """Stop listening: connections are refused from now on."""
        self._loop.run(self.close())

    async def close(self) -> None:
        """Stop listening; what was accepted is answered still."""
        if self._listener.fileno() >= 0:
            self._loop.loop.remove_reader(self._listener)
            self._listener.close()

    async def _open(self) -> None:
        self._loop.loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            channel, _ = self._listener.accept()
        except BlockingIOError:
            return
        task = self._loop.loop.create_task(self._serve(channel))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _serve(self, channel: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=channel)
        try:
            head, body = await _read_message(reader)
            if b" /health " not in head:
                self.requests += 1
                self.seen.append(head.decode())
                await asyncio.sleep(self._delay_seconds)
            writer.write(_answer({"member": self.name, "bytes": len(body)}, self._headers))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Visitor:
    """Sends requests to the gateway's socket, a new connection for each."""

    def __init__(self, loop: Loop, socket: Path) -> None:
        self._loop = loop
        self._socket = socket

    def ask(
        self, path: str, *, method: str = "GET", body: bytes = b"", headers: str = ""
    ) -> tuple[int, str, Any]:
        """Return the status, the head and the JSON body of an answer."""
        answer: tuple[int, str, Any] = self._loop.run(self.send(path, method, body, headers))
        return answer

    async def send(self, path: str, method: str, body: bytes, headers: str = "") -> tuple[int, str, Any]:
        """Send one request; ConnectionError or IncompleteReadError where no whole answer comes."""
        reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=1 << 22)
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            writer.write(head.encode() + body)
            answer, content = await _read_message(reader)
        finally:
            writer.close()
        return int(answer.split()[1]), answer.decode(), json.loads(content) if content else None


class Load:
    """Visitors who ask again and again, with each method in turn, until the `with` block ends."""

    def __init__(
        self,
        loop: Loop,
        visitor: Visitor,
        path: str,
        *,
        visitors: int = 8,
        methods: Sequence[str] = ("POST", "GET"),
    ) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._loop = loop
        self._visitor = visitor
        self._path = path
        self._visitors = visitors
        self._methods = methods
        self._is_over = False

    def __enter__(self) -> Self:
        self._work = [
            asyncio.run_coroutine_threadsafe(self._visit(), self._loop.loop) for _ in range(self._visitors)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        for work in self._work:
            work.result(TIMEOUT_SECONDS)

    async def _visit(self) -> None:
        methods = cycle(self._methods)
        while not self._is_over:
            method = next(methods)
            await self._ask(method, BODY if method == "POST" else b"")

    async def _ask(self, method: str, body: bytes) -> None:
        try:
            status, head, answer = await self._visitor.send(self._path, method, body)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.failures.append(f"{method}: {error!r}")
            return
        if status == 200 and answer["bytes"] == len(body):
            self.answers[answer["member"]] += 1
        else:
            self.failures.append(f"{method}: {head}")


async def _end(backends: list[Backend]) -> None:
    for backend in backends:
        await backend.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        # What was just accepted gets the time to close by itself.
        _, slow = await asyncio.wait(tasks, timeout=0.2)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def _read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    size = int(lengths[0].split(b":")[1]) if lengths else 0
    return head, await reader.readexactly(size)


def _answer(value: dict[str, object], headers: str) -> bytes:
    body = json.dumps(value)
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()
