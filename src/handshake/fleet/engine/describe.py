"""Members, probes and times as text."""

from __future__ import annotations

from datetime import UTC, datetime

from handshake.fleet.engine.fleet import Fleet
from handshake.fleet.engine.state import FleetMember
from handshake.fleet.instance import Evidence


def print_moment(at: float) -> str:
    """Return a moment as the time of day in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}Z"


def print_probe(evidence: Evidence) -> str:
    """Return what the last probe saw, in a few words."""
    if not evidence.at:
        return "no probe yet"
    answer = f"{evidence.status} " if evidence.status else ""
    return f"last probe {answer}{evidence.body!r} in {evidence.latency_seconds:.3f} s"


def print_evidence(member: FleetMember) -> str:
    """Return why a member is held to be bad: its last probe and what it wrote last."""
    verdicts = member.verdicts
    verdict = next((v for v in (verdicts.alive, verdicts.ready, verdicts.fresh) if v.is_no), verdicts.ready)
    tail = member.report.log_tail if member.report else ()
    return print_probe(verdict.evidence) + (f"; its log ends: {' | '.join(tail)}" if tail else "")


def print_lack(fleet: Fleet, member: FleetMember) -> str:
    """Return what a member still lacks before it is proven, and since when."""
    verdicts = member.verdicts
    if member.report is None:
        asked = print_moment(member.assignment.assigned_at)
        return f"{member.assignment.node} has not reported {member.id}, assigned {asked}"
    lacks = (
        (verdicts.alive, "alive", not verdicts.alive.is_yes),
        (verdicts.ready, "ready", not verdicts.ready.is_yes),
        (verdicts.fresh, "fresh", not fleet.is_fresh(member)),
    )
    for verdict, name, is_lacking in lacks:
        if is_lacking and not verdict.since:
            return f"{member.id} has not been seen {name} yet"
        if is_lacking:
            known = "is not" if verdict.is_no else "is not known to be"
            return f"{member.id} {known} {name} since {print_moment(verdict.since)}"
    if not member.is_in_pool and not member.is_parked:
        return f"{member.id} has been ready since {print_moment(verdicts.ready.since)}, but not every gateway has acknowledged it"
    return f"{member.id} soaks until {print_moment(fleet.soaked_at(member))}"
