"""Verdicts: what a row of sightings adds up to."""

from __future__ import annotations

import pytest

from handshake.fleet.instance import Evidence, VerdictState
from handshake.fleet.instances.verdicts import Sighting, Thresholds, Watched, watch

YES, NO, UNKNOWN = VerdictState.YES, VerdictState.NO, VerdictState.UNKNOWN
OK, ILL, NOTHING = 200, 500, 0


def see(
    at: float, plain: int, *, exited: str = "", templates: int | None = None, is_target: VerdictState = YES
) -> Sighting:
    """Return a sighting in which `/health` and the template check gave these statuses."""
    asked = None if templates is None else Evidence(status=templates, at=at)
    return Sighting(
        at=at, exited=exited, plain=Evidence(status=plain, at=at), templates=asked, is_target=is_target
    )


def watch_all(*sightings: Sighting) -> Watched:
    """Return what is known after a row of sightings."""
    watched = Watched()
    for seen in sightings:
        watched = watch(watched, seen, Thresholds())
    return watched


@pytest.mark.parametrize(
    ("statuses", "alive", "ready"),
    [
        ([NOTHING], UNKNOWN, UNKNOWN),
        ([NOTHING] * 2, UNKNOWN, NO),
        ([NOTHING] * 9, UNKNOWN, NO),
        ([OK], YES, YES),
        ([OK, ILL], YES, YES),
        ([OK, ILL, ILL], YES, NO),
        ([OK, ILL, OK, ILL], YES, YES),
        ([OK, ILL, ILL, OK], YES, YES),
        ([OK, NOTHING, NOTHING], YES, NO),
        ([OK] + [NOTHING] * 3, YES, NO),
        ([OK] + [NOTHING] * 4, NO, NO),
        ([OK] + [NOTHING] * 3 + [ILL] + [NOTHING] * 3, YES, NO),
    ],
)
def test_probes_every_ten_seconds(statuses: list[int], alive: VerdictState, ready: VerdictState) -> None:
    """Two bad probes in a row take readiness, 30 s of silence take life, and one good probe gives both."""
    verdicts = watch_all(*(see(10.0 * n, status) for n, status in enumerate(statuses))).verdicts
    assert (verdicts.alive.finding, verdicts.ready.finding) == (alive, ready)


def test_an_exit_is_final_at_once() -> None:
    """A process that has ended is neither alive nor ready, without any threshold, and the evidence says how."""
    verdicts = watch_all(see(1.0, OK), see(2.0, NOTHING, exited="signal 9")).verdicts
    assert verdicts.alive.is_no
    assert verdicts.ready.is_no
    assert verdicts.alive.evidence.body == "signal 9"


def test_since_moves_only_with_the_finding() -> None:
    """A verdict remembers when it became what it is, and shows the latest evidence."""
    ready = watch_all(see(1.0, OK), see(2.0, OK), see(13.0, ILL)).verdicts.ready
    assert (ready.since, ready.evidence.at, ready.evidence.status) == (1.0, 13.0, ILL)


@pytest.mark.parametrize(
    ("is_target", "templates", "fresh"),
    [
        (YES, None, YES),
        (YES, 200, YES),
        (YES, 503, NO),
        (YES, 0, UNKNOWN),
        (NO, None, NO),
        (NO, 200, NO),
        (UNKNOWN, 503, UNKNOWN),
    ],
)
def test_fresh_is_equality_confirmed_by_the_instance(
    is_target: VerdictState, templates: int | None, fresh: VerdictState
) -> None:
    """Fresh is the target's generation, and the instance's own word that it has loaded the templates."""
    watched = watch_all(see(1.0, OK, templates=templates, is_target=is_target))
    assert watched.verdicts.fresh.finding is fresh


@pytest.mark.parametrize("last", [YES, NO])
def test_nothing_becomes_stale_through_ignorance(last: VerdictState) -> None:
    """While the pointers cannot be read, the last verdict holds."""
    watched = watch_all(see(1.0, OK, is_target=last), see(2.0, OK, templates=503, is_target=UNKNOWN))
    assert watched.verdicts.fresh.finding is last
    assert watched.verdicts.fresh.since == 1.0


def test_a_newcomer_has_no_bad_probe_forgiven() -> None:
    """In its first ten seconds one bad probe takes readiness, so that what flaps is never ready for long."""
    statuses = [OK, ILL] * 20
    watched = watch_all(*(see(float(n), status) for n, status in enumerate(statuses)))
    assert watched.verdicts.ready.is_no
    assert watched.verdicts.ready.since == len(statuses) - 1
