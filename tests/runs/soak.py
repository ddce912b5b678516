"""The same tests many times over, to find those that fail now and then.

script/test soak N [--beside-load] [PYTEST-ARGS]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.runs.busy import busy_cores
from tests.runs.phases import PYTEST, SIDE_BY_SIDE, WAVERING

REPORTS = Path(".cache/soak")
UNFINISHED = "(the run itself)"
_OUTCOMES = {"failure", "error"}


@dataclass(frozen=True, kw_only=True)
class Wavering:
    """A test that failed in some of the runs."""

    test: str
    failures: int
    runs: int
    last_words: str


def read_failures(report: Path, exit_code: int) -> dict[str, str]:
    """Return the tests that failed in one run, with the first line of what each said."""
    if not report.exists():
        return {UNFINISHED: f"pytest ended with exit code {exit_code} and no report"}
    failures = {}
    for case in ET.parse(report).iter("testcase"):
        for outcome in case:
            if outcome.tag in _OUTCOMES:
                name = f"{case.get('classname', '')}::{case.get('name', '')}"
                failures[name] = outcome.get("message", "").partition("\n")[0]
    if exit_code and not failures:
        failures[UNFINISHED] = f"pytest ended with exit code {exit_code}"
    return failures


def sum_up(runs: Sequence[dict[str, str]]) -> tuple[Wavering, ...]:
    """Return every test that failed at least once, the worst first."""
    counts = Counter(test for run in runs for test in run)
    last_words = {test: said for run in runs for test, said in run.items()}
    return tuple(
        Wavering(test=test, failures=count, runs=len(runs), last_words=last_words[test])
        for test, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def print_table(found: Sequence[Wavering], runs: int) -> str:
    """Return a table of the tests that failed."""
    if not found:
        return f"nothing failed in {runs} runs"
    rows = [f"| {its.failures} of {its.runs} | `{its.test}` | {its.last_words[:120]} |" for its in found]
    return "\n".join(["| failed | test | what it said last |", "|---|---|---|", *rows])


def soak(runs: int, pytest_args: Sequence[str]) -> tuple[dict[str, str], ...]:
    """Run the tests so many times and return the failures of each run."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    return tuple(_run_once(number, runs, pytest_args) for number in range(1, runs + 1))


def main(words: Sequence[str]) -> int:
    """Run, print the table and keep it beside the reports; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="script/test soak")
    parser.add_argument("runs", type=int)
    parser.add_argument("--beside-load", action="store_true", help="keep every core busy meanwhile")
    wishes, pytest_args = parser.parse_known_args(words)
    with busy_cores() if wishes.beside_load else nullcontext():
        runs = soak(wishes.runs, pytest_args or (*SIDE_BY_SIDE, *WAVERING))
    table = print_table(sum_up(runs), len(runs))
    (REPORTS / "table.md").write_text(f"{table}\n")
    print(f"\n{table}", flush=True)
    return int(any(runs))


def _run_once(number: int, runs: int, pytest_args: Sequence[str]) -> dict[str, str]:
    report = REPORTS / f"{number}.xml"
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    with (REPORTS / f"{number}.log").open("w") as log:
        argv = (PYTEST, f"--junit-xml={report}", *pytest_args)
        # Not `run`, which kills what is interrupted: pytest then ends what its tests have started.
        with subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT) as process:
            exit_code = process.wait()
    failures = read_failures(report, exit_code)
    seconds = time.monotonic() - begun
    print(f"run {number} of {runs}: {len(failures)} failed, {seconds:.0f} s, {log.name}", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
