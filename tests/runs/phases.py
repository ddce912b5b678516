"""The phases of a whole run: each is carried out, whatever became of those before it, and failures are told at the end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

PYTEST = ".venv/bin/pytest"
PURE = ("tests/unit", "tests/transitions", "tests/golden", "tests/meta")
WAVERING = ("tests/live", "tests/drills", "tests/browser", "tests/system")
# Real programs share two cores: files run side by side, the tests of one file one after another.
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One command of a whole run."""

    name: str
    argv: tuple[str, ...]
    needs: str = ""
    """A program without which the phase is left out; tests that need its work say so themselves."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a phase."""

    name: str
    exit_code: int
    seconds: float


PHASES = (
    Phase(name="lint", argv=("script/lint",)),
    # The S3 server that tests publish to.
    Phase(name="tools", argv=("script/tools",), needs="go"),
    Phase(name="unit", argv=(PYTEST, "-n", "auto", *PURE)),
    Phase(name="drills", argv=(PYTEST, "-n", "auto", "-m", "not live", "tests/drills")),
    Phase(name="live", argv=(PYTEST, *SIDE_BY_SIDE, "tests/contract", "tests/live")),
    Phase(name="live drills", argv=(PYTEST, *SIDE_BY_SIDE, "-m", "live", "tests/drills")),
    # Whole campaigns: two at a time, a file each.
    Phase(name="campaigns", argv=(PYTEST, *SIDE_BY_SIDE, "tests/browser", "tests/system")),
)


def run_phases(phases: Sequence[Phase]) -> tuple[Result, ...]:
    """Carry out all phases whose programs are there, one after another."""
    return tuple(_run(phase) for phase in phases if not phase.needs or shutil.which(phase.needs))


def print_results(results: Sequence[Result]) -> str:
    """Return a line for each phase, and one for all of them."""
    failed = [result.name for result in results if result.exit_code]
    rows = [
        f"{'failed' if result.exit_code else 'passed':<8}{result.name:<14}{result.seconds:>6.0f} s"
        for result in results
    ]
    total = f"{'':<8}{'together':<14}{sum(result.seconds for result in results):>6.0f} s"
    return "\n".join(["", *rows, total, f"failed: {', '.join(failed)}" if failed else "everything passed"])


def main(phases: Sequence[Phase] = PHASES) -> int:
    """Run everything; 1 if anything failed."""
    results = run_phases(phases)
    print(print_results(results), flush=True)
    return int(any(result.exit_code for result in results))


def _run(phase: Phase) -> Result:
    print(f"\n=== {phase.name} ===", flush=True)
    begun = time.monotonic()
    exit_code = subprocess.run(phase.argv, check=False).returncode
    return Result(name=phase.name, exit_code=exit_code, seconds=time.monotonic() - begun)


if __name__ == "__main__":
    sys.exit(main())
