"""A supervised program's folder: the records that its supervisor keeps, and the lock of those who act on it."""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handshake.core.atomic_file import write_atomically
from handshake.drivers.process.groups import remove_groups
from handshake.drivers.process.identity import Identity, parse_identity
from handshake.drivers.process.program import Exit, Observation, State

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
        """Tell the supervisor that the program's next end is its last; False where it was told before."""
        try:
            (self.path / "stop").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def supervisor(self) -> Identity | None:
        """Return who supervises the program; None where nobody does any more."""
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
            state=State.RUNNING if is_running else State.EXITED if started_at else State.ABSENT,
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
