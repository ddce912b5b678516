"""Starts, finds, observes and stops supervised programs, which outlive the process that started them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from handshake.core.errors import OutcomeUnknownError, RefusedError, UnavailableError
from handshake.drivers.process.identity import Identity, session_members
from handshake.drivers.process.program import Folder, Observation, Program, ProgramState

# Following a program's log: what was written since it was last looked at.

_MOST_BYTES = 1 << 24


class Following:
    """Reads whole lines from where the last reading ended; the first begins at the log's end."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = -1

    def __call__(self) -> tuple[bytes, ...]:
        """Return the new lines; none where there is no log. Beyond 16 MiB at once, the oldest are left out."""
        try:
            with self._log.open("rb") as log:
                end = log.seek(0, 2)
                begin = min(self._at, end) if self._at >= 0 else end
                log.seek(max(begin, end - _MOST_BYTES))
                text = log.read()
        except FileNotFoundError:
            self._at = 0
            return ()
        whole, _, rest = text.rpartition(b"\n")
        self._at = end - len(rest) if whole or text.endswith(b"\n") else begin
        return tuple(whole.splitlines())


_SUPERVISOR = Path(__file__).with_name("supervisor.sh")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_START_TIMEOUT_SECONDS = 10
_KILL_TIMEOUT_SECONDS = 5


class Processes:
    """The supervised programs of one node, each in a folder of its own under `root`.

    `root` lies where a restart of the machine empties it (/run): start times count from that moment.
    What is known of a program lies in its folder, so a new agent adopts what it finds by looking. Two
    that act on one program at once wait for one another.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def start(self, program: Program, *, inherit: Sequence[int] = ()) -> Observation:
        """Start a program unless it runs already, and return what is seen of it; idempotent.

        One whose supervisor pauses before starting it again is left to it, so that asking often makes no
        failing program fail more often. `inherit` are descriptors that it gets under their own numbers, 10 or
        higher. Raises UnavailableError where the supervisor cannot start, RefusedError for an unknown user.
        """
        folder = self._folder(program.name)
        with folder.locked():
            seen = folder.observe()
            if seen.state is ProgramState.RUNNING or _will_restart(program, seen):
                return seen
            _end_supervisor(folder, patience_seconds=0)
            folder.clear()
            folder.keep_groups(program.groups)
            _supervise(program, folder.path, inherit)
            return folder.observe()

    def observe(self, name: str) -> Observation:
        """Return what is seen of a program."""
        return self._folder(name).observe()

    def observe_all(self) -> tuple[Observation, ...]:
        """Return what is seen of every program that was started here and not forgotten, sorted by name."""
        if not self._root.is_dir():
            return ()
        return tuple(Folder(path=path).observe() for path in sorted(self._root.iterdir()) if path.is_dir())

    def ask_to_end(self, name: str) -> Observation:
        """Send SIGTERM to a program that should end for good, and return at once; idempotent, it is sent once.

        `ending_since` then tells any agent, a new one too, when its deadline passes: see `stop`.
        """
        folder = self._folder(name)
        if not folder.path.is_dir():
            return folder.observe()
        with folder.locked():
            process = folder.observe().process
            if folder.forbid_restart():
                _ask(process, folder)
            return folder.observe()

    def stop(self, name: str, *, deadline_seconds: float) -> Observation:
        """End a program for good: SIGTERM, and SIGKILL once the deadline has passed; idempotent.

        Raises OutcomeUnknownError where it outlives even SIGKILL (it hangs in the kernel).
        """
        folder = self._folder(name)
        if not folder.path.is_dir():
            return folder.observe()
        with folder.locked():
            process, supervisor = folder.observe().process, folder.supervisor()
            folder.forbid_restart()
            _ask(process, folder)
            if process and not process.wait(deadline_seconds):
                _kill(name, process)
            # It writes down how the program ended, and then ends by itself.
            _end_supervisor(folder, patience_seconds=_KILL_TIMEOUT_SECONDS)
            if supervisor:
                _end_orphans(supervisor)
            folder.remove_groups()
            return folder.observe()

    def follow(self, name: str) -> Following:
        """Return a reader of what a program writes to its log from now on."""
        return Following(self._folder(name).path / "log")

    def log_tail(self, name: str, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that a program wrote."""
        return self._folder(name).log_tail(lines)

    def forget(self, name: str) -> None:
        """Remove an ended program's folder with its log; RefusedError while it runs."""
        if self.observe(name).state is ProgramState.RUNNING:
            raise RefusedError(f"{name} is still running", hint="Stop it first.")
        folder = self._folder(name)
        folder.remove_groups()
        shutil.rmtree(folder.path, ignore_errors=True)

    def _folder(self, name: str) -> Folder:
        if not name or "/" in name or name.startswith("."):
            raise RefusedError(f"{name!r} is not a valid program name: it must be valid as a folder name")
        return Folder(path=self._root / name)


def command_as(program: Program) -> tuple[str, ...]:
    """Return the program's argv, preceded by what makes it run as its user; RefusedError for an unknown one."""
    if not program.user or os.geteuid() != 0:
        return program.argv
    try:
        account = pwd.getpwnam(program.user)
    except KeyError as error:
        raise RefusedError(
            f"{program.name} must run as {program.user}, but there is no such user",
            hint="Install the Debian package of the program, which creates the user.",
        ) from error
    become = ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups")
    return (*become, "--no-new-privs", "--", *program.argv)


def _will_restart(program: Program, seen: Observation) -> bool:
    return program.restart and seen.is_supervised and not seen.ending_since


def _ask(process: Identity | None, folder: Folder) -> None:
    """Ask a program to end; where it has ended already, its supervisor, which may pause before the next start."""
    if process is None or not process.send(signal.SIGTERM):
        _end_supervisor(folder, patience_seconds=0)


def _kill(name: str, process: Identity) -> None:
    process.send(signal.SIGKILL)
    if not process.wait(_KILL_TIMEOUT_SECONDS):
        raise OutcomeUnknownError(f"{name} (pid {process.pid}) does not end, even after SIGKILL")


def _end_supervisor(folder: Folder, *, patience_seconds: float) -> None:
    supervisor = folder.supervisor()
    if supervisor is None or supervisor.wait(patience_seconds):
        return
    supervisor.send(signal.SIGTERM)
    if not supervisor.wait(_KILL_TIMEOUT_SECONDS):
        supervisor.send(signal.SIGKILL)


def _end_orphans(supervisor: Identity) -> None:
    """End what a master that was killed has left behind: workers that finish their last connections."""
    for orphan in session_members(supervisor.pid):
        orphan.send(signal.SIGKILL)


def _supervise(program: Program, folder: Path, inherit: Sequence[int]) -> None:
    command = [
        *("setsid", "--fork", "sh", str(_SUPERVISOR), str(folder)),
        "again" if program.restart else "once",
        "named" if program.is_named_by_monitor else "self",
        *command_as(program),
    ]
    try:
        # The supervisor closes its output when the program's pid is on record: run() returns then, not at the end.
        run = subprocess.run(
            command,
            capture_output=True,
            check=False,
            env={"PATH": _PATH, **program.environment},
            pass_fds=inherit,
            stdin=subprocess.DEVNULL,
            timeout=_START_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{program.name} cannot be started", details=str(error)) from error
    if not (folder / "pid").exists():
        raise UnavailableError(
            f"{program.name} cannot be started", details=run.stderr.decode(errors="replace")
        )


# A campaign's programs and instances, as its lifecycle starts and stops them.


class NodeSupervision:
    """Keeps the Supervision Protocol over one node's supervised processes."""

    def __init__(self, *, programs: Processes, instances: Processes) -> None:
        self._programs = programs
        self._instances = instances

    def start(self, name: str, argv: Sequence[str]) -> bool:
        """Start a program that is started again in place when it ends; False if it runs already."""
        if self._programs.observe(name).state is ProgramState.RUNNING:
            return False
        self._programs.start(Program(name=name, argv=tuple(argv), restart=True))
        return True

    def stop(self, name: str, seconds: float) -> None:
        """End a program for good, by force after so many seconds."""
        self._programs.stop(name, deadline_seconds=seconds)

    def programs(self) -> tuple[str, ...]:
        """Return the names of all programs that were started and not forgotten."""
        return tuple(seen.name for seen in self._programs.observe_all())

    def instances(self) -> tuple[str, ...]:
        """Return the names of all instances that were launched and not forgotten."""
        return tuple(seen.name for seen in self._instances.observe_all())

    def stop_instance(self, name: str, seconds: float) -> None:
        """End an instance, by force after so many seconds."""
        self._instances.stop(name, deadline_seconds=seconds)

    def log_tail(self, name: str, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that a program or an instance wrote."""
        return self._programs.log_tail(name, lines) or self._instances.log_tail(name, lines)
