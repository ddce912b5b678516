"""Runs of many tests tell everything that failed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.busy import busy_cores
from tests.runs.long import LONG, run_limited
from tests.runs.phases import PHASES, Phase, main, run_phases
from tests.runs.soak import UNFINISHED, print_table, read_failures, sum_up

REPOSITORY = Path(__file__).parents[2]


def exits(name: str, code: int, needs: str = "") -> Phase:
    """Return a phase that ends with an exit code."""
    return Phase(name=name, argv=("sh", "-c", f"exit {code}"), needs=needs)


def test_a_failing_phase_hides_none_behind_it(capfd: pytest.CaptureFixture[str]) -> None:
    """All phases run, every failure is told at the end, and the exit code is 1."""
    code = main((exits("lint", 1), exits("unit", 0), exits("live", 3)))

    said = capfd.readouterr().out
    assert code == 1
    assert [line.split()[:2] for line in said.splitlines()[-5:-2]] == [
        ["failed", "lint"],
        ["passed", "unit"],
        ["failed", "live"],
    ]
    assert said.endswith("failed: lint, live\n")


def test_a_phase_without_its_program_is_left_out() -> None:
    """What needs a program that is not installed is not run, and everything passing is exit code 0."""
    assert [result.name for result in run_phases((exits("go", 1, needs="no-such-program"),))] == []
    assert main((exits("unit", 0),)) == 0


def test_every_folder_of_tests_is_in_a_phase() -> None:
    """No folder that holds tests is forgotten by an ordinary run."""
    named = {word for phase in PHASES for word in phase.argv}
    folders = {f"tests/{path.relative_to(REPOSITORY / 'tests').parts[0]}" for path in files_with_tests()}
    assert folders <= named


def files_with_tests() -> list[Path]:
    """Return all files that hold tests."""
    return [path for path in (REPOSITORY / "tests").rglob("test_*.py") if "services" not in path.parts]


def test_a_soak_counts_failures(tmp_path: Path) -> None:
    """Failures and errors of several runs are counted by test, the worst first."""
    report = tmp_path / "1.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="a" name="one"><failure message="x&#10;y"/></testcase>'
        '<testcase classname="a" name="two"><error message="z"/></testcase>'
        '<testcase classname="a" name="three"/></testsuite></testsuites>'
    )
    found = sum_up([read_failures(report, 1), {"a::two": "again"}, {}])

    assert [(its.test, its.failures, its.runs) for its in found] == [("a::two", 2, 3), ("a::one", 1, 3)]
    assert "| 2 of 3 | `a::two` | again |" in print_table(found, 3)


def test_a_run_without_a_report_has_failed(tmp_path: Path) -> None:
    """A run that left no report, or failed outside of any test, is a failure too."""
    assert set(read_failures(tmp_path / "none.xml", 4)) == {UNFINISHED}
    empty = tmp_path / "empty.xml"
    empty.write_text("<testsuites/>")
    assert set(read_failures(empty, 5)) == {UNFINISHED}
    assert read_failures(empty, 0) == {}


def test_long_runs_are_listed() -> None:
    """Without a name, the long runs are listed; a name that is none is an error that says which there are."""
    argv = (sys.executable, "-m", "tests.runs.long")
    listed = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    wrong = subprocess.run((*argv, "lod"), cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert [line.split()[0] for line in listed.splitlines()] == list(LONG)
    assert wrong.returncode == 2
    assert ", ".join(LONG) in wrong.stderr


def test_a_long_run_ends_in_time(tmp_path: Path) -> None:
    """What takes too long is interrupted, with all that it has started."""
    told = tmp_path / "told"
    code = run_limited(
        ("sh", "-c", f"trap 'echo over >{told}; exit 1' INT; while :; do sleep 0.05; done"), 0.5
    )
    assert (code, told.read_text()) == (124, "over\n")


def test_the_load_beside_a_soak_ends_with_it() -> None:
    """What keeps the cores busy is gone once the soak is over."""
    with busy_cores():
        assert _children()
    assert not _children()


def _children() -> list[str]:
    path = Path("/proc/thread-self/children")
    return [
        pid for pid in path.read_text().split() if "sum(range" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
