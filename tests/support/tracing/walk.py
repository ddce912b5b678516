"""A walk: which files ran between two moments, in the threads that carry it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

VERB = "verb"
"""The process of the verb itself; the others are named after what `up` starts."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a function of the package."""

    at: float
    process: str
    thread: str
    file: str
    function: str


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The calls between a verb's callback and the ack, by who carries them."""

    calls: tuple[Call, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the package of which a function ran."""
        return tuple(sorted({call.file for call in self.calls}))

    def describe(self) -> str:
        """Return the files, each with the processes in which it ran."""
        where = {
            file: sorted({call.process for call in self.calls if call.file == file}) for file in self.files
        }
        return "\n".join(f"{file}: {', '.join(processes)}" for file, processes in where.items())


def read_walk(traces: Path, *, callback: str, end: str, threads: Mapping[str, str]) -> Walk:
    """Return the newest walk that begins with a verb's callback, `FILE:FUNCTION`, and ends where the verb calls `end` last.

    `threads` names the processes beside the verb's, and in each, as a pattern, the threads that carry the walk.
    """
    calls = list(_read(traces))
    first = max(
        (call for call in calls if f"{call.file}:{call.function}" == callback), key=lambda call: call.at
    )
    own = [call for call in calls if call.process == first.process and call.at >= first.at]
    last = max(call.at for call in own if f"{call.file}:{call.function}" == end)
    carried = [
        call for call in calls if call.process in threads and re.fullmatch(threads[call.process], call.thread)
    ]
    return Walk(calls=tuple(call for call in (*own, *carried) if first.at <= call.at < last))


def _read(traces: Path) -> Iterator[Call]:
    for trace in traces.glob("*.trace"):
        words = trace.with_suffix(".argv").read_text().split("\n")
        process = next((word for word in words if word in {"agent", "control"}), f"{VERB} {trace.stem}")
        if "handshake.drivers.embedded_catalog" in words:
            process = "catalog"
        for line in trace.read_text().splitlines():
            at, thread, file, function = line.split("\t")
            yield Call(at=float(at), process=process, thread=thread, file=file, function=function)
