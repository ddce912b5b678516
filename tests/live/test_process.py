"""Supervised programs, with real programs, real signals and real supervisors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.problem import Location
from handshake.drivers.process.command import Need, ProgramFailedError, missing_programs, run_command
from handshake.drivers.process.identity import Identity, identify
from handshake.drivers.process.ports import check_port, port_holder
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Folder, Observation, Program, ProgramState

pytestmark = pytest.mark.live

SLEEPER = ("sleep", "300")
STUBBORN = ("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """The programs of a node of this test's own; all of them have ended when it is over."""
    processes = Processes(tmp_path / "programs")
    yield processes
    for seen in processes.observe_all():
        processes.stop(seen.name, deadline_seconds=0)


def until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait for something to hold; False where it did not within the time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def supervisor_of(tmp_path: Path, name: str) -> Identity:
    """Return a program's supervisor, which must be alive."""
    supervisor = Folder(path=tmp_path / "programs" / name).supervisor()
    assert supervisor
    return supervisor


def process_of(seen: Observation) -> Identity:
    """Return a running program's process."""
    assert seen.state is ProgramState.RUNNING
    assert seen.process
    return seen.process


def test_start_is_idempotent(processes: Processes) -> None:
    """A program that runs already is found, not started a second time."""
    first = processes.start(Program(name="one", argv=SLEEPER))
    assert first.is_supervised
    assert processes.start(Program(name="one", argv=SLEEPER)) == first


def test_two_starters_make_one_program(processes: Processes) -> None:
    """Where eight start a program at once, it runs once."""
    program = Program(name="one", argv=("sh", "-c", "echo started; exec sleep 300"))
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda _: process_of(processes.start(program)), range(8)))
    assert len(seen) == 1
    assert until(lambda: processes.log_tail("one") == ("started",))


def test_exit_code_is_recorded(processes: Processes) -> None:
    """The code with which a program ended is on record, and its last words are in the log."""
    processes.start(Program(name="one", argv=("sh", "-c", "echo last words; exit 3")))
    assert until(lambda: processes.observe("one").exit is not None)
    seen = processes.observe("one")
    assert (seen.state, seen.evidence) == (ProgramState.EXITED, "exit code 3")
    assert processes.log_tail("one") == ("last words",)


def test_a_command_that_fails_says_how() -> None:
    """Whoever runs a program to its end is told with which code it failed, and all that it printed."""
    with pytest.raises(ProgramFailedError) as failed:
        run_command(("sh", "-c", "echo before; echo why >&2; exit 3"), timeout_seconds=5)
    assert (failed.value.exit_code, failed.value.details) == (3, "why")
    assert failed.value.output == "before\nwhy\n"


@pytest.mark.parametrize("argv", [("sleep", "5"), ("/nowhere",)], ids=["too slow", "missing"])
def test_a_command_that_does_not_end_has_no_exit_code(argv: tuple[str, ...]) -> None:
    """A program that cannot start, or takes too long, has not failed by itself."""
    with pytest.raises(UnavailableError) as failed:
        run_command(argv, timeout_seconds=0.1)
    assert not isinstance(failed.value, ProgramFailedError)


def test_signal_is_recorded(processes: Processes) -> None:
    """The signal that ended a program is on record."""
    process_of(processes.start(Program(name="one", argv=SLEEPER))).send(signal.SIGKILL)
    assert until(lambda: processes.observe("one").exit is not None)
    assert processes.observe("one").evidence == "ended by SIGKILL"


def test_stop_lets_a_program_finish(processes: Processes) -> None:
    """A stopped program gets SIGTERM and ends with the code it chose."""
    catching = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.02; done"
    processes.start(Program(name="one", argv=("sh", "-c", catching)))
    assert until(lambda: processes.log_tail("one") == ("ready",))
    assert processes.stop("one", deadline_seconds=5).evidence == "exit code 7"


def test_stop_kills_after_the_deadline(processes: Processes) -> None:
    """A program that ignores SIGTERM is killed once the deadline has passed, and not before."""
    processes.start(Program(name="one", argv=STUBBORN))
    assert until(lambda: processes.log_tail("one") == ("deaf",))
    began = time.monotonic()
    assert processes.stop("one", deadline_seconds=0.5).evidence == "ended by SIGKILL"
    assert 0.5 <= time.monotonic() - began < 4


def test_asking_to_end_does_not_wait(processes: Processes) -> None:
    """A program that is asked to end gets SIGTERM once; since when it is ending is told until it is killed."""
    counting = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.02; done"
    processes.start(Program(name="one", argv=("sh", "-c", counting), restart=True))
    assert until(lambda: processes.log_tail("one") == ("ready",))
    assert processes.observe("one").ending_since == 0
    first = processes.ask_to_end("one")
    assert first.state is ProgramState.RUNNING
    assert until(lambda: processes.log_tail("one") == ("ready", "asked"))
    again = processes.ask_to_end("one")
    assert again.ending_since == first.ending_since >= first.started_at > 0
    time.sleep(0.2)
    assert processes.log_tail("one") == ("ready", "asked")
    assert processes.stop("one", deadline_seconds=0).evidence == "ended by SIGKILL"


def test_instance_is_not_restarted(processes: Processes) -> None:
    """A program that is not to be restarted stays ended, and its supervisor ends with it."""
    process_of(processes.start(Program(name="one", argv=SLEEPER))).send(signal.SIGKILL)
    assert until(lambda: processes.observe("one").state is ProgramState.EXITED)
    assert until(lambda: not processes.observe("one").is_supervised)


def test_router_is_restarted_in_place(processes: Processes) -> None:
    """A program that is to be restarted is there again after kill -9, as another process."""
    first = process_of(processes.start(Program(name="one", argv=SLEEPER, restart=True)))
    first.send(signal.SIGKILL)
    assert until(lambda: processes.observe("one").process not in {None, first})
    assert processes.observe("one").exit is None


def test_stopped_router_stays_stopped(processes: Processes, tmp_path: Path) -> None:
    """A stopped program is not started again by its supervisor, which has ended."""
    processes.start(Program(name="one", argv=SLEEPER, restart=True))
    supervisor = supervisor_of(tmp_path, "one")
    assert processes.stop("one", deadline_seconds=5).state is ProgramState.EXITED
    assert not supervisor.is_running


def test_stop_ends_what_a_killed_master_left_behind(processes: Processes, tmp_path: Path) -> None:
    """Workers that outlive their killed master, as HAProxy's do to finish connections, end with the program."""
    note = tmp_path / "worker"
    master = ("sh", "-c", f"sleep 300 & echo $! >> {note}; wait")
    first = process_of(processes.start(Program(name="router", argv=master, restart=True)))
    assert until(note.exists)
    first.send(signal.SIGKILL)
    assert until(lambda: len(note.read_text().split()) == 2), "the supervisor started it again"

    processes.stop("router", deadline_seconds=1)

    assert until(lambda: not any(identify(int(pid)) for pid in note.read_text().split()))


def test_stop_in_the_pause_before_a_restart(processes: Processes) -> None:
    """A program that keeps failing is stopped for good, though its supervisor pauses just then."""
    processes.start(Program(name="one", argv=("sh", "-c", "echo run"), restart=True))
    assert until(lambda: processes.log_tail("one") == ("run", "run"))
    assert until(lambda: processes.observe("one").exit is not None)
    assert not processes.stop("one", deadline_seconds=5).is_supervised
    time.sleep(1.2)
    assert processes.log_tail("one").count("run") == 2


def test_asking_often_does_not_restart_often(processes: Processes) -> None:
    """A program that keeps failing is left to its supervisor's pauses, however often somebody starts it."""
    failing = Program(name="one", argv=("sh", "-c", "echo run"), restart=True)
    processes.start(failing)
    assert until(lambda: processes.log_tail("one") == ("run", "run"))
    assert until(lambda: processes.observe("one").exit is not None)
    for _ in range(10):
        assert processes.start(failing).is_supervised
    assert processes.log_tail("one") == ("run", "run")


def test_stopped_program_can_be_started_again(processes: Processes) -> None:
    """Stopping is no curse: the next start runs it, and it is restarted in place again."""
    program = Program(name="one", argv=SLEEPER, restart=True)
    processes.start(program)
    processes.stop("one", deadline_seconds=5)
    second = process_of(processes.start(program))
    second.send(signal.SIGKILL)
    assert until(lambda: processes.observe("one").process not in {None, second})


def test_program_survives_its_supervisor(processes: Processes, tmp_path: Path) -> None:
    """A kill -9 of the supervisor leaves the program running; it is adopted, and can be stopped."""
    first = processes.start(Program(name="one", argv=SLEEPER, restart=True))
    supervisor = supervisor_of(tmp_path, "one")
    supervisor.send(signal.SIGKILL)
    assert supervisor.wait(5)
    adopted = Processes(tmp_path / "programs").start(Program(name="one", argv=SLEEPER, restart=True))
    assert (adopted.process, adopted.is_supervised) == (first.process, False)
    stopped = processes.stop("one", deadline_seconds=5)
    assert (stopped.state, stopped.evidence) == (ProgramState.EXITED, "ended without a supervisor")


def test_program_survives_its_starter(processes: Processes, tmp_path: Path) -> None:
    """A kill -9 of the process that started a program leaves it running, under its supervisor."""
    script = (
        "import os, pathlib\n"
        "from handshake.drivers.process.processes import Processes\n"
        "from handshake.drivers.process.program import Program\n"
        f"Processes(pathlib.Path({str(tmp_path / 'programs')!r})).start(Program(name='one', argv={SLEEPER}))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    starter = subprocess.run([sys.executable, "-c", script], check=False)
    assert starter.returncode == -signal.SIGKILL
    seen = processes.observe("one")
    assert (seen.state, seen.is_supervised) == (ProgramState.RUNNING, True)


def test_supervisor_forwards_sigterm(processes: Processes, tmp_path: Path) -> None:
    """SIGTERM to the supervisor ends the program, which is not started again."""
    processes.start(Program(name="one", argv=SLEEPER, restart=True))
    supervisor = supervisor_of(tmp_path, "one")
    supervisor.send(signal.SIGTERM)
    assert supervisor.wait(5)
    assert processes.observe("one").evidence == "ended by SIGTERM"


def test_stranger_with_the_same_pid_is_left_alone(processes: Processes, tmp_path: Path) -> None:
    """Where a recorded pid belongs to another process by now, that process gets no signal."""
    with subprocess.Popen(SLEEPER) as stranger:
        there = identify(stranger.pid)
        assert there
        folder = tmp_path / "programs" / "one"
        folder.mkdir(parents=True)
        (folder / "pid").write_text(f"{there.pid} {there.born - 1}\n")
        assert processes.observe("one").state is ProgramState.EXITED
        processes.stop("one", deadline_seconds=0)
        assert stranger.poll() is None
        stranger.kill()


def test_zombie_is_no_running_program() -> None:
    """A process that has ended and was not collected yet counts as ended."""
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert identify(child.pid) is None


def test_environment_is_only_what_is_given(processes: Processes) -> None:
    """A program gets a PATH and what it is given, and nothing of its starter's environment."""
    os.environ["HANDSHAKE_TEST_LEAK"] = "leaked"
    try:
        processes.start(Program(name="one", argv=("env",), environment={"GIVEN": "yes"}))
    finally:
        del os.environ["HANDSHAKE_TEST_LEAK"]
    assert until(lambda: processes.observe("one").exit is not None)
    names = {line.partition("=")[0] for line in processes.log_tail("one")}
    assert names <= {"GIVEN", "PATH", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "GIVEN" in names


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as other users")
def test_program_runs_as_its_user(processes: Processes) -> None:
    """A program that names a user runs as that user, and with that user's groups alone."""
    seen = process_of(processes.start(Program(name="one", argv=SLEEPER, user="nobody")))
    status = Path(f"/proc/{seen.pid}/status")
    assert until(lambda: "Name:\tsleep" in status.read_text())
    assert "\nUid:\t65534\t65534\t65534\t65534\n" in status.read_text()
    assert "\nGroups:\t65534 \n" in status.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as other users")
def test_unknown_user_is_refused(processes: Processes) -> None:
    """A user that does not exist is an error that says so, and nothing is started."""
    with pytest.raises(RefusedError, match="must run as nobody-like-this"):
        processes.start(Program(name="one", argv=SLEEPER, user="nobody-like-this"))
    assert processes.observe("one").state is ProgramState.ABSENT


def test_forget_needs_an_ended_program(processes: Processes) -> None:
    """Only an ended program is forgotten; a forgotten one was never there."""
    processes.start(Program(name="one", argv=SLEEPER))
    with pytest.raises(RefusedError):
        processes.forget("one")
    processes.stop("one", deadline_seconds=5)
    processes.forget("one")
    assert processes.observe("one").state is ProgramState.ABSENT


def test_missing_program_names_its_package() -> None:
    """A missing program's problem says what needs it, and the line that installs it."""
    need = Need(program="no-such-program", reason="to open the ingress", package="no-such-package")
    here = Need(program="sh", reason="to run", package="dash")
    (problem,) = missing_programs([need, here])
    assert problem.what == "no-such-program is not installed; it is needed to open the ingress"
    assert problem.hint == "sudo apt-get install no-such-package"


def test_port_in_use_names_its_holder() -> None:
    """A port's holder is named by pid and program; a free port has none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (problem,) = check_port(port, needed_by="the ingress", where=Location(file="handshake.toml"))
        assert f"(pid {os.getpid()}) listens there" in problem.what
    assert port_holder(port) is None
