"""A fault for drills: die between the write and the answer.

With the environment variable HAMM_FAULT_KILL_AFTER_WRITE=<name of file>, the next write after that file
appears removes it and kills the process. Without the variable there is no way here.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

VARIABLE = "HAMM_FAULT_KILL_AFTER_WRITE"

KILLED = 128 + signal.SIGKILL


def arm_fault() -> Callable[[], None]:
    """Read the environment once, and return what to call after each write."""
    name = os.environ.get(VARIABLE, "")
    return (lambda: _die_if_asked(Path(name))) if name else _live_on


def _live_on() -> None:
    pass


def _die_if_asked(trigger: Path) -> None:
    try:
        # Only one process can remove the file, so only one dies of it.
        trigger.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
    # PID 1 of a namespace cannot kill itself; leaving at once, without any clean-up, is the same to others.
    os._exit(KILLED)
