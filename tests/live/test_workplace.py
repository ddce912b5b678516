"""Supervised programs that belong to a piece of work end with it, however it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from handshake.drivers.process.identity import Identity, parse_identity
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, ProgramState
from handshake.drivers.process.workplace import PROGRAMS, workplace

pytestmark = pytest.mark.live

SLEEPER = Program(name="sleeper", argv=("sleep", "1000"), restart=True)
WORK = """
import sys, time
from pathlib import Path
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program
from handshake.drivers.process.workplace import PROGRAMS, workplace

with workplace(Path(sys.argv[1])) as folder:
    Processes(folder / PROGRAMS).start(Program(name="sleeper", argv=("sleep", "1000"), restart=True))
    print(folder, flush=True)
    time.sleep(1000)
"""


def test_programs_end_with_the_block(tmp_path: Path) -> None:
    """After the block its programs have ended and its folder is gone."""
    with workplace(tmp_path) as folder:
        process = Processes(folder / PROGRAMS).start(SLEEPER).process
        assert process
        assert process.is_running
    assert not process.is_running
    assert list(tmp_path.iterdir()) == []


def test_programs_of_a_killed_owner_end_with_the_next_work(tmp_path: Path) -> None:
    """Where the owner was killed, whoever works next under the same root ends what it left; a live owner's stays."""
    with subprocess.Popen(
        [sys.executable, "-c", WORK, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        folder = Path(owner.stdout.readline().strip())
        with workplace(tmp_path):
            assert Processes(folder / PROGRAMS).observe("sleeper").state is ProgramState.RUNNING
        process = identity_in(folder)
        owner.kill()
    with workplace(tmp_path):
        assert not process.is_running
        assert not folder.exists()


def identity_in(folder: Path) -> Identity:
    """Return who the sleeper is."""
    identity = parse_identity((folder / PROGRAMS / "sleeper" / "pid").read_text())
    assert identity
    return identity
