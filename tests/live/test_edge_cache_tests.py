"""The public suite of HTTP's caching rules (http-tests/cache-tests), against the real ingress and cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.edges import run_edge
from tests.live.haproxies import wait_until
from tests.unit.edge.compiled import read_text

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        shutil.which("npm") is None and not os.environ.get("CI"), reason="npm is not installed"
    ),
]

HERE = Path(__file__).parent
LOCK = HERE / "cache_tests" / "package-lock.json"
STORE = Path(__file__).parents[2] / ".cache" / "cache-tests"
PACKAGE = STORE / "node_modules" / "http-cache-tests"
WAIVERS = HERE / "cache_tests_waivers.txt"
FEWEST_PASSED = 150
PASSED = "\N{WHITE HEAVY CHECK MARK}"


@pytest.fixture(scope="module")
def verdicts() -> list[dict[str, Any]]:
    """Install the suite unless it lies there already, run all of it once, and return each test's verdict."""
    install()
    with run_edge(read_text(""), (), "", serve_gateway=serve_suite) as edge:
        results = run_node(
            "cli.mjs", npm_config_base=f"http://127.0.0.1:{edge.port}", npm_package_config_id=""
        )
    told = subprocess.run(
        ("node", str(HERE / "cache_tests" / "score.mjs"), str(PACKAGE)),
        input=results,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found


def install() -> None:
    """Put exactly what the lock file says into the project's cache folder."""
    STORE.mkdir(parents=True, exist_ok=True)
    kept = STORE / LOCK.name
    if PACKAGE.exists() and kept.exists() and kept.read_bytes() == LOCK.read_bytes():
        return
    for name in ("package.json", LOCK.name):
        shutil.copy(LOCK.with_name(name), STORE)
    argv = ("npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund")
    subprocess.run(argv, cwd=STORE, check=True, capture_output=True, timeout=300)


@contextmanager
def serve_suite(path: Path) -> Iterator[None]:
    """Run the suite's origin on a Unix socket until the block ends."""
    settings = {"protocol": "http", "port": str(path), "pidfile": f"{path}.pid"}
    environment = {**os.environ, **{f"npm_config_{name}": value for name, value in settings.items()}}
    origin = subprocess.Popen(
        ("node", "server/server.mjs"), cwd=PACKAGE, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_until(path.exists)
        path.chmod(0o777)
        yield
    finally:
        origin.terminate()
        origin.wait(10)


def run_node(script: str, **settings: str) -> str:
    """Run one of the suite's programs to its end and return what it printed."""
    done = subprocess.run(
        ("node", "--no-warnings", script),
        cwd=PACKAGE,
        env={**os.environ, **settings},
        capture_output=True,
        check=True,
        text=True,
        timeout=90,
    )
    return done.stdout


def read_waivers() -> set[str]:
    """Return the ids of the tests that need not pass."""
    lines = [line for line in WAIVERS.read_text().splitlines() if line and not line.startswith("#")]
    return {line.partition("|")[0].strip() for line in lines}


def test_required_behaviour(verdicts: list[dict[str, Any]]) -> None:
    """What the suite requires of a cache holds, but for what the file of waivers names with its reason."""
    required = [each for each in verdicts if each["kind"] == "required"]
    missed = {each["id"]: each["told"] for each in required if each["sign"] != PASSED}
    assert missed.keys() == read_waivers(), missed
    assert len(required) - len(missed) >= FEWEST_PASSED
