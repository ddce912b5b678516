"""What takes longer than an ordinary run may; each has a short form there.

script/test long         lists the names
script/test long NAME    runs one, for an hour at most
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.runs.phases import PYTEST, SIDE_BY_SIDE, WAVERING

LIMIT_SECONDS = 3600.0
_TOO_LONG = 124
_UNKNOWN = 2


@dataclass(frozen=True, kw_only=True)
class Long:
    """One long run."""

    what: str
    argv: tuple[str, ...]


LONG = {
    "kills": Long(
        what="lists change while ingress, worker, agent and cache die, twelve times each",
        argv=(PYTEST, "--long", "-m", "long", "tests/system/test_lists_survive.py"),
    ),
    "faults": Long(
        what="every drill and every story of a death, three times, beside load",
        argv=(
            *(".venv/bin/python", "-m", "tests.runs.soak", "3", "--beside-load", *SIDE_BY_SIDE),
            *("tests/drills", "tests/transitions", "tests/system/test_survives.py"),
            *("tests/system/test_unplanned_death.py", "tests/live/test_edge_killed.py"),
            "tests/live/test_catalog_survives.py",
        ),
    ),
    "soak": Long(
        what="everything that talks to real programs, twice, beside load",
        argv=(
            *(".venv/bin/python", "-m", "tests.runs.soak", "2", "--beside-load", *SIDE_BY_SIDE),
            *WAVERING,
        ),
    ),
}


def main(words: Sequence[str]) -> int:
    """List the long runs, or run one and return its exit code."""
    if not words:
        print("\n".join(f"{name:<8}{its.what}" for name, its in LONG.items()))
        return 0
    if words[0] not in LONG:
        known = ", ".join(LONG)
        print(f"script/test: there is no long run named '{words[0]}'; there are {known}", file=sys.stderr)
        return _UNKNOWN
    return run_limited((*LONG[words[0]].argv, *words[1:]))


def run_limited(argv: Sequence[str], limit_seconds: float = LIMIT_SECONDS) -> int:
    """Run a command, and interrupt it and all that it has started once its time is over."""
    process = subprocess.Popen(argv, start_new_session=True)
    try:
        return process.wait(limit_seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        print(f"script/test: ended, after {limit_seconds:.0f} s at the latest", file=sys.stderr)
        # All of them hear it, as from a keyboard: so pytest ends what its tests have started.
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        return _TOO_LONG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
