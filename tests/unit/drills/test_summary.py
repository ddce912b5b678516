"""Summaries and the timeline."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from handshake.core.errors import UnavailableError
from handshake.drills.load_run import Beginning, Line, LoadMark, LoadRecordEnd, parse_record, print_line
from handshake.drills.requests import Failure, RequestKind
from handshake.drills.summary import (
    phases,
    print_failures,
    print_lines,
    print_table,
    summarise_kinds,
    summarise_load,
)
from tests.unit.drills.records import report, result

STEADY = [result(second + 0.5, latency_seconds=0.1) for second in range(10)]


def test_steady_load() -> None:
    """A load whose answers all come has its rate, no failures, and pauses of one interval."""
    summary = summarise_load(report(STEADY))
    assert (summary.requests, summary.failed, summary.failures) == (10, 0, {})
    assert summary.achieved_per_second == summary.asked_per_second == 1
    assert summary.longest_pause_seconds == 1
    assert summary.latency.p50 == summary.latency.longest == pytest.approx(0.1)


def test_failures_by_what() -> None:
    """Failures are counted by what they were, and neither as achieved nor as the end of a pause."""
    resets = [result(second + 0.5, failure=Failure.RESET) for second in (3, 4)]
    summary = summarise_load(report([*STEADY[:3], *resets, *STEADY[5:9], result(9.5, failure=Failure.EOF)]))
    assert summary.failures == {Failure.EOF: 1, Failure.RESET: 2}
    assert summary.failed == 3
    assert summary.achieved_per_second == pytest.approx(0.7)
    assert summary.longest_pause_seconds == 3


def test_silence_until_the_end() -> None:
    """A service that goes silent is paused until the load's end, also if answers come after that."""
    summary = summarise_load(report([*STEADY[:4], result(12.0)]))
    assert summary.longest_pause_seconds == 6.5
    assert summary.achieved_per_second == pytest.approx(0.4)


def test_nothing_was_sent() -> None:
    """A load without results is one long pause."""
    summary = summarise_load(report([]))
    assert (summary.requests, summary.achieved_per_second, summary.longest_pause_seconds) == (0, 0, 10)


def test_kinds() -> None:
    """Each kind is summarised by itself, one that was never sent too."""
    kinds = [RequestKind(name="page", weight=3), RequestKind(name="donate")]
    summaries = summarise_kinds(report(STEADY, kinds=kinds))
    assert {name: its.requests for name, its in summaries.items()} == {"page": 10, "donate": 0}
    assert {name: its.asked_per_second for name, its in summaries.items()} == {"page": 0.75, "donate": 0.25}


def test_phases() -> None:
    """A failure counts in the phase in which it ended, and every request in exactly one phase."""
    slow = result(7.2, latency_seconds=5.0, failure=Failure.TIMEOUT)
    after = result(11.0, failure=Failure.EOF)
    marks = [LoadMark(name="rollback", at=7.0), LoadMark(name="release", at=4.0)]
    divided = phases(report([*STEADY, slow, after], marks=marks))
    assert [phase.name for phase in divided] == ["start", "release", "rollback"]
    assert [phase.summary.requests for phase in divided] == [4, 3, 5]
    assert [phase.summary.failed for phase in divided] == [0, 0, 2]


def test_end_at_a_mark() -> None:
    """A request that ended in the moment of a mark belongs to what was done there."""
    before, after = phases(report([result(4.0)], marks=[LoadMark(name="release", at=4.0)]))
    assert (before.summary.requests, after.summary.requests) == (0, 1)


def test_mark_after_the_load() -> None:
    """A mark that was made when the load was over has an empty phase."""
    divided = phases(report(STEADY, marks=[LoadMark(name="late", at=30.0)]))
    assert [phase.summary.requests for phase in divided] == [10, 0]
    assert divided[1].summary.achieved_per_second == 0


def test_print_for_people() -> None:
    """People see a row for each kind, the total and each phase, with failures by what they were."""
    failed = result(3.2, failure=Failure.RESET)
    text = io.StringIO()
    table = print_table(report([*STEADY, failed], marks=[LoadMark(name="release", at=3.0)]))
    Console(file=text, width=120).print(table)
    lines = text.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["kind", "page"],
        ["total", "all"],
        ["phase", "start"],
        ["phase", "release"],
    ]
    assert "1 reset" in lines[4]
    assert "reset" not in lines[3]
    assert "1 of 1" in lines[2]


def test_print_for_programs() -> None:
    """Programs read one JSON object a row."""
    objects = [json.loads(line) for line in print_lines(report([*STEADY, result(3.2, failure=Failure.EOF)]))]
    assert [(it["scope"], it["name"]) for it in objects] == [("kind", "page"), ("total", "all")]
    assert objects[1]["summary"]["failures"] == {"eof": 1}
    assert objects[1]["summary"]["latency"]["p50"] == pytest.approx(0.1)


def test_print_failures() -> None:
    """The most frequent failures come first, alike ones in one line."""
    resets = [result(second, failure=Failure.RESET) for second in (3, 4)]
    lines = list(print_failures(report([result(2, failure=Failure.EOF), *resets, *STEADY])))
    assert lines == ["2 x page: reset: ", "1 x page: eof: "]


def test_record() -> None:
    """A record that is read back is what was written."""
    written: list[Line] = [
        Beginning(began_at=1.0, utc=2.0),
        *STEADY,
        LoadRecordEnd(ended_at=11.0, cpu_seconds=0.5),
    ]
    record = parse_record(print_line(line) for line in written)
    assert [record.beginning, *record.results, record.ending] == written


def test_record_cut_off() -> None:
    """A record without its end is refused: nobody knows what it lacks."""
    written: list[Line] = [Beginning(began_at=1.0, utc=2.0), *STEADY]
    lines = [print_line(line) for line in written]
    with pytest.raises(UnavailableError, match="did not finish"):
        parse_record(lines)
