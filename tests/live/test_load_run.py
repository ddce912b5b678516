"""Load in a process of its own, beside a caller who does things."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from handshake.catalog.codec import encode
from handshake.core.clock import SystemClock
from handshake.core.errors import UnavailableError
from handshake.drills.load_run import LoadRun, load_running, parse_record
from handshake.drills.plan import Habits, LoadPlan, Target
from handshake.drills.requests import Failure, RequestKind
from handshake.drills.summary import phases, summarise_load
from tests.live.backends import Backend, Loop

pytestmark = pytest.mark.live

PAGE = RequestKind(name="page")


@pytest.fixture
def plan() -> LoadPlan:
    """A plan for the backend of a test, which the test fills in; long, so that it has to be stopped."""
    return LoadPlan(
        target=Target(host="127.0.0.1", port=1),
        kinds=(PAGE,),
        rate_per_second=100,
        duration_seconds=60,
        # The backend closes each connection without announcing it: to keep one would be a race.
        habits=Habits(keep=0, close=1, rest=0),
    )


def aim(plan: LoadPlan, loop: Loop) -> LoadPlan:
    """Start a backend and send the plan there."""
    return replace(plan, target=Target(host="127.0.0.1", port=Backend(loop, "one").port))


def test_load_beside_the_caller(plan: LoadPlan) -> None:
    """While a load runs in its own process the caller can compute, and mark what it does."""
    with Loop() as loop, load_running(aim(plan, loop)) as run:
        compute_until(time.monotonic() + 0.4)
        run.mark("release")
        compute_until(time.monotonic() + 0.4)
    report = run.result()
    summary, (before, after) = summarise_load(report), phases(report)
    assert (summary.failed, before.name, after.name) == (0, "start", "release")
    assert min(before.summary.requests, after.summary.requests) > 0
    assert summary.requests >= 20
    assert before.summary.requests + after.summary.requests == summary.requests


def compute_until(moment: float) -> None:
    """Hold the interpreter's lock for most of the time."""
    while time.monotonic() < moment:
        sum(range(1000))


def test_failures_around_a_mark(plan: LoadPlan) -> None:
    """What begins to fail when something is done is seen in the phase of that mark."""
    with Loop() as loop:
        backend = Backend(loop, "one")
        target = Target(host="127.0.0.1", port=backend.port)
        with load_running(replace(plan, target=target)) as run:
            time.sleep(0.3)
            run.mark("stop")
            backend.stop()
            time.sleep(0.3)
    before, after = phases(run.result())
    assert before.summary.failed == 0
    assert after.summary.failures[Failure.CONNECT] > 0


def test_plan_to_its_end(plan: LoadPlan) -> None:
    """A caller that waits gets the whole plan."""
    with Loop() as loop, load_running(replace(aim(plan, loop), duration_seconds=0.5)) as run:
        run.wait()
    assert summarise_load(run.result()).requests == 50


def test_requests_under_way_are_finished(plan: LoadPlan) -> None:
    """Stopping a load begins no more requests and loses none that is under way."""
    with Loop() as loop:
        backend = Backend(loop, "slow", delay_seconds=0.5)
        target = Target(host="127.0.0.1", port=backend.port)
        with load_running(replace(plan, target=target)) as run:
            time.sleep(0.5)
        results = run.result().record.results
    assert results
    assert all(result.is_good for result in results)
    assert len(results) == backend.requests


def test_load_that_breaks(plan: LoadPlan) -> None:
    """A load whose process dies has no result that could be mistaken for a good one."""
    with Loop() as loop:
        run = LoadRun.start(aim(plan, loop), SystemClock())
        os.kill(run.pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="the load failed"):
            run.result()
        run.kill()


def test_caller_that_fails(plan: LoadPlan) -> None:
    """When the block fails, its error is what is seen, and no process is left behind."""
    with Loop() as loop, pytest.raises(ZeroDivisionError), load_running(aim(plan, loop)) as run:
        raise ZeroDivisionError
    assert not Path(f"/proc/{run.pid}").exists()


def test_lifeline(plan: LoadPlan) -> None:
    """A load whose starter is gone stops by itself, with a complete record."""
    with Loop() as loop:
        process = subprocess.Popen(
            [sys.executable, "-m", "handshake.drills.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        output, _ = process.communicate(encode(aim(plan, loop)) + b"\n", timeout=15)
    assert process.returncode == 0
    assert parse_record(output.splitlines()).ending.ended_at > 0
