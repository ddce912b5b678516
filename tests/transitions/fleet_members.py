"""Builders: fleets in a given state, said in a few words."""

from __future__ import annotations

from handshake.core.digest import Digest, digest_bytes
from handshake.core.subject import parse_subject
from handshake.fleet.engine.state import Desired, FleetMember, FleetSettings, Hold
from handshake.fleet.instance import (
    Assignment,
    Evidence,
    Generation,
    InstancePhase,
    InstanceReport,
    Purpose,
    Verdict,
    Verdicts,
    VerdictState,
)
from handshake.pointers.pointer import Pointer

YES, NO, UNKNOWN = VerdictState.YES, VerdictState.NO, VerdictState.UNKNOWN
NOW = 10_000.0
LONG_AGO = 1_000.0


HOLD = Hold(service="hamm", owner="ada", reason="the database moves", since=LONG_AGO, until=None)


def release(name: str) -> Digest:
    """Return the digest of a release that the test calls by a name."""
    return digest_bytes(name.encode())


def generation(image: str, templates: str = "", secrets: str = "") -> Generation:
    """Return the generation made of releases that the test calls by names."""
    return Generation(
        image=release(image), templates=release(templates) if templates else None, secrets=secrets
    )


def pointer(
    subject: str, name: str, *, revision: int = 1, stable: str = "", moved_at: float = LONG_AGO
) -> Pointer:
    """Return a pointer that names a release; `stable` is empty where none is settled."""
    return Pointer(
        subject=parse_subject(subject),
        release=release(name),
        revision=revision,
        stable=release(stable) if stable else None,
        moved_by="ada",
        reason="because",
        moved_at=moved_at,
    )


def desired(
    image: Pointer, templates: Pointer | None = None, *, count: int = 2, secrets: str = ""
) -> Desired:
    """Return a wish for `count` instances of what the pointers name."""
    return Desired(
        service="hamm",
        image=image,
        templates=templates,
        secrets=secrets,
        settings=FleetSettings(desired=count),
    )


def verdict(finding: VerdictState, since: float = LONG_AGO, *, status: int = 200, body: str = "") -> Verdict:
    """Return a verdict with its evidence."""
    evidence = Evidence(status=status, body=body, latency_seconds=0.012, at=NOW)
    return Verdict(finding=finding, since=since, evidence=evidence)


HEALTHY = Verdicts(alive=verdict(YES), ready=verdict(YES), fresh=verdict(YES))
STALE = Verdicts(alive=verdict(YES), ready=verdict(YES), fresh=verdict(NO))
BOOTING = Verdicts(ready=verdict(NO, status=0, body="connection refused"))
DEAD = Verdicts(
    alive=verdict(NO, status=0, body="exit status 1"), ready=verdict(NO, status=0, body="exit status 1")
)
SILENT = Verdicts()


def ill(since: float, *, status: int = 500, body: str = "no database") -> Verdicts:
    """Return the verdicts on an instance that is alive and fails its check since then."""
    return Verdicts(
        alive=verdict(YES), ready=verdict(NO, since, status=status, body=body), fresh=verdict(YES)
    )


def member(
    name: str,
    of: Generation,
    verdicts: Verdicts = HEALTHY,
    *,
    in_pool: bool = True,
    assigned_at: float = LONG_AGO,
    draining_since: float | None = None,
    trial: bool = False,
    log_tail: tuple[str, ...] = (),
) -> FleetMember:
    """Return a member, long in the pool unless something else is said."""
    is_draining = draining_since is not None
    assignment = Assignment(
        instance=f"hamm-{name}",
        node="n1",
        service="hamm",
        generation=of,
        phase=InstancePhase.DRAIN if is_draining else InstancePhase.RUN,
        purpose=Purpose.TRIAL if trial else Purpose.STEADY,
        assigned_at=assigned_at,
        phase_at=draining_since if draining_since is not None else assigned_at,
    )
    report = InstanceReport(
        instance=assignment.instance,
        node="n1",
        service="hamm",
        generation=of,
        host="127.0.0.1",
        port=20000,
        started_at=assigned_at,
        verdicts=verdicts,
        log_tail=log_tail,
    )
    return FleetMember(assignment=assignment, report=report, is_in_pool=in_pool and not is_draining)
