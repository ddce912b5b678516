"""The scripts explain themselves where they cannot go on."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
NOBODY = 65534


@contextmanager
def bare_machine() -> Iterator[str]:
    """Yield a PATH on which no package is installed and nobody may become root."""
    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder)
        tools.chmod(0o755)
        for name in ("dpkg-query", "sudo"):
            (tools / name).write_text("#!/bin/sh\nexit 1\n")
            (tools / name).chmod(0o755)
        yield f"{tools}:/usr/bin:/bin"


def run_as_nobody(script: str, path: str) -> tuple[int, str]:
    """Run a script as somebody who may not install; return its exit code and what it said."""
    become = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    argv = ["setpriv", *become, script] if os.geteuid() == 0 else [script]
    run = subprocess.run(
        argv, cwd=REPOSITORY, capture_output=True, text=True, check=False, env={"PATH": path}
    )
    return run.returncode, run.stderr


@pytest.mark.parametrize("script", ["script/demo", "script/test"])
def test_without_rights_the_error_is_the_line_to_run(script: str) -> None:
    """Where nothing may be installed, a script names the one line to run, and changes nothing."""
    with bare_machine() as path:
        code, said = run_as_nobody(script, path)

    assert code == 1
    assert "sudo apt-get install -y --no-install-recommends varnish varnish-modules tcc haproxy" in said


def test_an_unknown_purpose_is_named() -> None:
    """A misspelt purpose is an error with the words that are known."""
    run = subprocess.run(
        ["script/bootstrap", "tset"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert (run.returncode, run.stderr) == (2, "script/bootstrap: say demo or test, not 'tset'\n")
