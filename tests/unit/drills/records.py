"""Results and reports, made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from handshake.drills.load_run import Beginning, LoadMark, LoadRecord, LoadRecordEnd, LoadReport
from handshake.drills.plan import LoadPlan, Target
from handshake.drills.requests import Failure, RequestKind, RequestResult

TARGET = Target(host="127.0.0.1", port=80)


def result(
    ended_at: float,
    *,
    kind: str = "page",
    latency_seconds: float = 0.0,
    failure: Failure = Failure.NONE,
    key: str = "",
    donation_id: str = "",
) -> RequestResult:
    """Return a result that ended at a moment."""
    return RequestResult(
        kind=kind,
        started_at=ended_at - latency_seconds,
        late_seconds=0.0,
        latency_seconds=latency_seconds,
        status=200,
        size_bytes=5,
        failure=failure,
        key=key,
        donation_id=donation_id,
    )


def report(
    results: Sequence[RequestResult],
    *,
    kinds: Sequence[RequestKind] = (RequestKind(name="page"),),
    marks: Sequence[LoadMark] = (),
    seconds: float = 10.0,
) -> LoadReport:
    """Return the report of a load that began at 0 and was over after some seconds, at one request a second."""
    plan = LoadPlan(target=TARGET, kinds=tuple(kinds), rate_per_second=1, duration_seconds=seconds)
    record = LoadRecord(
        beginning=Beginning(began_at=0.0, utc=0.0),
        results=tuple(results),
        ending=LoadRecordEnd(ended_at=seconds, cpu_seconds=0.1),
    )
    return LoadReport(plan=plan, record=record, marks=tuple(marks))
