"""Reports written by hand: a campaign in which all is settled, and what can be otherwise."""

from __future__ import annotations

from dataclasses import replace

from handshake.campaign.status import FleetRow, InstanceRow, PlaceCell, PlaceState, StatusReport, SubjectRow
from handshake.catalog.journal import JournalRecord
from handshake.core.digest import digest_bytes
from handshake.fleet.instance import Evidence, VerdictState

NOW = 1_800_000_000.0
"""2027-01-15 08:00:00 UTC."""


def serves(place: str, revision: int = 5) -> PlaceCell:
    """Return the cell of a place that serves."""
    return PlaceCell(
        place=place, state=PlaceState.SERVES, revision=revision, said="the label says vcl_calls_5"
    )


def waits(place: str, revision: int = 4) -> PlaceCell:
    """Return the cell of a place that has not said anything about the present revision."""
    return PlaceCell(place=place, state=PlaceState.WAITS, revision=revision, said="nothing yet")


def refuses(place: str, said: str, revision: int = 4) -> PlaceCell:
    """Return the cell of a place that cannot serve the present revision."""
    return PlaceCell(place=place, state=PlaceState.REFUSES, revision=revision, said=said)


def build_subject(name: str = "site/calls", *places: PlaceCell, is_stable: bool = True) -> SubjectRow:
    """Return a pointer at revision 5, moved three minutes ago."""
    return SubjectRow(
        subject=name,
        release=digest_bytes(name.encode()),
        revision=5,
        is_stable=is_stable,
        moved_by="anna",
        reason="new phone script",
        moved_at=NOW - 180,
        places=places or (serves("cache@n1"),),
    )


def build_instance(name: str = "hamm-aaaaaaaa", **changes: object) -> InstanceRow:
    """Return an instance that is alive, ready and fresh."""
    instance = InstanceRow(
        instance=name,
        node="n1",
        generation="1f0e8a3b5c7d",
        phase="run",
        purpose="steady",
        address="127.0.0.1:20417",
        alive=VerdictState.YES,
        ready=VerdictState.YES,
        fresh=VerdictState.YES,
        last_probe=Evidence(status=200, body='{"status": "ok"}', latency_seconds=0.004, at=NOW - 2),
        log_tail=(),
    )
    return replace(instance, **changes)  # type: ignore[arg-type] # tests name the fields


def build_fleet(stage: str = "settled", *instances: InstanceRow) -> FleetRow:
    """Return the fleet of `hamm`."""
    return FleetRow(
        service="hamm",
        stage=stage,
        sentence=f"what {stage} means here",
        instances=instances or (build_instance(),),
    )


def build_report(*subjects: SubjectRow, **changes: object) -> StatusReport:
    """Return a report of these subjects; it is settled where nobody says otherwise."""
    rows = subjects or (build_subject(),)
    report = StatusReport(
        campaign="example",
        at=NOW,
        leader="n1",
        is_settled=all(row.is_stable for row in rows)
        and all(cell.state is PlaceState.SERVES for row in rows for cell in row.places),
        subjects=rows,
        fleets=(build_fleet(),),
        notes=(),
    )
    return replace(report, **changes)  # type: ignore[arg-type] # tests name the fields


def build_record(number: int = 0) -> JournalRecord:
    """Return something that somebody did, `number` minutes ago."""
    return JournalRecord(who="anna", what=f"deed number {number}.", at=NOW - 60 * number)
