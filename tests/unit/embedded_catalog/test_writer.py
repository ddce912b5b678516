"""The writer: each piece of work is done whole or not at all, whatever is committed with it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from handshake.core.errors import UnavailableError
from handshake.drivers.embedded_catalog import kv
from handshake.drivers.embedded_catalog.kv import KVDraft
from handshake.drivers.embedded_catalog.storage import Storage
from handshake.drivers.embedded_catalog.writer import Change, Timer, Work, Writer
from tests.support.clock import FakeClock

T = TypeVar("T")


class System:
    """A writer over a directory, and what it told the watchers."""

    def __init__(self, directory: Path) -> None:
        self.storage = Storage(directory)
        self.woken: list[set[str]] = []

    def run(self, talk: Callable[[Writer], Awaitable[T]]) -> T:
        """Let the writer work while `talk` lasts."""
        return asyncio.run(self._run(talk))

    async def _run(self, talk: Callable[[Writer], Awaitable[T]]) -> T:
        writer = Writer(
            db=self.storage.writer, clock=FakeClock(), loop=asyncio.get_running_loop(), wake=self.woken.append
        )
        writer.start()
        try:
            return await talk(writer)
        finally:
            writer.stop()
            self.storage.close()


def put(key: str, value: bytes = b"1") -> Work[kv.KVEntry]:
    return lambda change: kv.put(change, KVDraft(key=key, value=value, flags=0))


def fail(change: Change) -> None:
    """Change something in the store and among the deadlines, then fail."""
    put("undone")(change)
    change.deadlines.set(Timer.SESSION, "undone", change.now)
    raise ZeroDivisionError


def state(change: Change) -> tuple[list[str], bool]:
    """Return the keys, and whether the failed work has left a deadline."""
    return kv.read_keys(change.db, "", ""), bool(change.deadlines.take_due(change.now))


def test_failed_work_is_undone_alone(tmp_path: Path) -> None:
    """When one piece of work fails among others, it alone leaves nothing behind, not even a deadline."""
    system = System(tmp_path)

    async def talk(writer: Writer) -> tuple[list[str], bool]:
        first, failed, second = await asyncio.gather(
            writer.write(put("a")), writer.write(fail), writer.write(put("b")), return_exceptions=True
        )
        assert isinstance(failed, ZeroDivisionError)
        assert isinstance(first, kv.KVEntry)
        assert isinstance(second, kv.KVEntry)
        assert first.modify_index != second.modify_index
        return await writer.write(state)

    assert system.run(talk) == (["a", "b"], False)
    assert set().union(*system.woken) == {"kv/a", "kv/b"}


def test_a_full_disk_is_no_answer(tmp_path: Path) -> None:
    """What could not be written is not acknowledged and wakes nobody; what fits is written afterwards."""
    system = System(tmp_path)
    system.storage.writer.execute("PRAGMA max_page_count = 40")

    async def talk(writer: Writer) -> tuple[list[str], bool]:
        with pytest.raises(UnavailableError, match="disk"):
            await writer.write(put("large", b"x" * 1_000_000))
        await writer.write(put("small"))
        return await writer.write(state)

    assert system.run(talk) == (["small"], False)
    assert set().union(*system.woken) == {"kv/small"}


def test_stopping_finishes_what_waits(tmp_path: Path) -> None:
    """Work that was handed in before the stop is done before the thread ends."""
    system = System(tmp_path)

    async def talk(writer: Writer) -> list[asyncio.Task[kv.KVEntry]]:
        tasks = [asyncio.create_task(writer.write(put(str(number)))) for number in range(200)]
        await asyncio.sleep(0)
        writer.stop()
        await asyncio.gather(*tasks)
        return tasks

    assert len({task.result().modify_index for task in system.run(talk)}) == 200
