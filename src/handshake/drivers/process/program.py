"""A supervised program: what is to run, what is seen of it, and the folder of its supervisor's records."""

from __future__ import annotations

import fcntl
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from handshake.core.atomic_file import write_atomically
from handshake.drivers.process.identity import Identity, parse_identity

_SIGNALLED = 128
"""A shell's way to say that a signal ended a program: 128 and the signal's number."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program as its supervisor should run it."""

    name: str
    """The name of its folder: unique on this node."""
    argv: tuple[str, ...]
    """Everybody on the machine can read it: no secret stands here, nor in the environment."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """All that it gets, beside a PATH."""
    user: str = ""
    """Whom it runs as where root starts it; empty: whoever starts it."""
    restart: bool = False
    """Whether it is started again in place when it ends: routers and stores are, instances never."""
    groups: tuple[Path, ...] = ()
    """The control groups that argv joins: removed once it has ended for good."""
    is_named_by_monitor: bool = False
    """Whether argv is only a monitor, which names the program itself on descriptor 9 (bubblewrap's --info-fd)."""


class ProgramState(StrEnum):
    """What a program is doing."""

    RUNNING = "running"
    EXITED = "exited"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a program ended, as its supervisor saw it."""

    code: int
    """As a shell says it: 128 and the signal's number where a signal ended it."""
    at: float
    """UTC, seconds since the epoch."""

    def __str__(self) -> str:
        if self.code > _SIGNALLED and self.code - _SIGNALLED in set(signal.Signals):
            return f"ended by {signal.Signals(self.code - _SIGNALLED).name}"
        return f"exit code {self.code}"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What is seen of a program now."""

    name: str
    state: ProgramState
    process: Identity | None = None
    """Who it is, while it runs; None in the moment in which it is gone and nobody has said how."""
    started_at: float = 0.0
    """UTC, seconds since the epoch; 0 where it was never started."""
    exit: Exit | None = None
    """None while it runs, and where it ended with nobody watching."""
    is_supervised: bool = False
    """Whether its supervisor is alive."""
    ending_since: float = 0.0
    """When it was asked to end, UTC, seconds since the epoch; 0 where it was not."""

    @property
    def evidence(self) -> str:
        """How the state is known, in a few words."""
        match self.state:
            case ProgramState.RUNNING if self.process:
                watched = "" if self.is_supervised else ", its supervisor is gone"
                return f"pid {self.process.pid} is alive{watched}"
            case ProgramState.RUNNING:
                return "is gone; its supervisor is about to record how"
            case ProgramState.EXITED:
                return str(self.exit) if self.exit else "ended without a supervisor"
            case _:
                return "was never started"


# A supervised program's folder: the records that its supervisor keeps, and the lock of those who act on it.

_TAIL_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Where one program's log, pid, supervisor, exit and stop records lie."""

    path: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else start or stop this program meanwhile; the folder is made where it is missing."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def clear(self) -> None:
        """Forget how the last run went; its log stays."""
        for record in ("pid", "supervisor", "exit", "stop"):
            (self.path / record).unlink(missing_ok=True)

    def keep_groups(self, groups: Iterable[Path]) -> None:
        """Write down which control groups are this program's."""
        write_atomically(self.path / "groups", "".join(f"{group}\n" for group in groups))

    def remove_groups(self) -> None:
        """Remove the control groups of a program that has ended."""
        remove_groups(map(Path, self._read("groups").splitlines()))

    def forbid_restart(self) -> bool:
        """Tell the supervisor that the program's next end is its last; False if it was told before."""
        try:
            (self.path / "stop").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def supervisor(self) -> Identity | None:
        """Return who supervises the program; None if nobody does any more."""
        return self._alive("supervisor")

    def observe(self) -> Observation:
        """Return what the records and the machine's processes say of the program."""
        # First the supervisor: who is gone by then has written down all that it ever will.
        is_supervised = self.supervisor() is not None
        process = self._alive("pid")
        started_at = self._written_at("pid")
        exit_ = None if process else self._exit(started_at)
        # A program that is gone has not ended yet while its supervisor is about to say how.
        is_running = process or (started_at and is_supervised and not exit_)
        return Observation(
            name=self.path.name,
            state=ProgramState.RUNNING
            if is_running
            else ProgramState.EXITED
            if started_at
            else ProgramState.ABSENT,
            process=process,
            started_at=started_at,
            exit=exit_,
            is_supervised=is_supervised,
            ending_since=self._written_at("stop"),
        )

    def log_tail(self, lines: int) -> tuple[str, ...]:
        """Return the log's last lines; at most 64 KiB are looked at."""
        try:
            with (self.path / "log").open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - _TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return ()
        return tuple(deque(text.splitlines(), maxlen=lines))

    def _read(self, record: str) -> str:
        try:
            return (self.path / record).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _alive(self, record: str) -> Identity | None:
        identity = parse_identity(self._read(record))
        return identity if identity and identity.is_running else None

    def _written_at(self, record: str) -> float:
        try:
            return (self.path / record).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _exit(self, started_at: float) -> Exit | None:
        """Return the exit record of the run that began then; an older one tells of an earlier run."""
        words = self._read("exit").split()
        if not words or self._written_at("exit") < started_at:
            return None
        return Exit(code=int(words[0]), at=float(words[1]))


# Control groups of supervised programs: made by who starts them, removed once they have ended.


def remove_groups(folders: Iterable[Path]) -> None:
    """Remove groups in which no process is left; what is gone, or in use, is left as it is."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
