"""What the engine tells of a fleet: why it waits, why it went back, what a person can do."""

from __future__ import annotations

from dataclasses import replace

from handshake.fleet.engine.canary_analysis import CanarySample, compare
from handshake.fleet.engine.freeze import Freeze
from handshake.fleet.engine.plan import plan
from handshake.fleet.engine.state import Desired, FleetMember, Observed, Plan, Rollout, Trial
from handshake.fleet.engine.steps import Revert
from handshake.fleet.engine.strategy import CanarySettings
from handshake.fleet.instance import Verdicts
from handshake.fleet.load_balancer.permits import Book, ask_permit
from handshake.fleet.scaling import Scale, ServiceLoad, Targets, choose_scale
from tests.transitions.fleet_members import (
    BOOTING,
    DEAD,
    HEALTHY,
    HOLD,
    NOW,
    SILENT,
    STALE,
    YES,
    desired,
    generation,
    ill,
    member,
    pointer,
    release,
    verdict,
)

OLD, NEW = generation("old"), generation("new")
TO_OLD = pointer("image/hamm", "old", stable="old")
TO_NEW = pointer("image/hamm", "new", revision=2, stable="old", moved_at=NOW - 200)
SETTLED = Rollout(service="hamm", stable=OLD)
TRYING = Rollout(service="hamm", stable=OLD, trial=Trial(generation=NEW, begun_at=NOW - 100))
LATE = Rollout(service="hamm", stable=OLD, trial=Trial(generation=NEW, begun_at=NOW - 300))
PASSED = Rollout(service="hamm", stable=OLD, passed=(NEW,))
PAIR = (member("a", OLD), member("b", OLD))
ILL_TOGETHER = (member("a", OLD, ill(NOW - 30)), member("b", OLD, ill(NOW - 20)), member("c", NEW))
SOAKING = replace(HEALTHY, ready=verdict(YES, NOW - 9))


def tell_fleets() -> dict[str, str]:
    """Return every sentence of this room by its name."""
    return _tell_waits() | _tell_trials() | _tell_reverts() | _tell_numbers()


def _tell_waits() -> dict[str, str]:
    frozen = replace(desired(TO_NEW), freeze=Freeze(until=NOW + 3600, zone="UTC"))
    paused = replace(desired(TO_NEW), hold=replace(HOLD, until=NOW + 1))
    silent = (member("a", OLD, SILENT), member("b", OLD, SILENT), member("c", NEW))
    return {
        "fleet-settled": _ask(desired(TO_OLD), SETTLED, *PAIR).outcome.sentence,
        "fleet-node-silent": _ask(desired(TO_NEW), PASSED, *silent).outcome.sentence,
        "fleet-ill-together": _ask(desired(TO_NEW), PASSED, *ILL_TOGETHER).outcome.sentence,
        "fleet-held-by-a-freeze": _ask(frozen, SETTLED, *PAIR).rollout.reason,
        "fleet-paused-for-a-while": _ask(paused, SETTLED, *PAIR).rollout.reason,
        "freeze": str(Freeze(until=1798930800.0, zone="Europe/Berlin")),
    }


def _tell_trials() -> dict[str, str]:
    def wait(verdicts: Verdicts, *, in_pool: bool) -> str:
        tried = member("t", NEW, verdicts, trial=True, assigned_at=NOW - 60, in_pool=in_pool)
        return _ask(desired(TO_NEW), TRYING, *PAIR, tried).rollout.reason

    return {
        "trial-not-alive-yet": wait(BOOTING, in_pool=False),
        "trial-not-ready": wait(ill(NOW - 5), in_pool=False),
        "trial-not-fresh": wait(STALE, in_pool=True),
        "trial-soaks": wait(SOAKING, in_pool=True),
        "trial-not-in-the-pool": wait(HEALTHY, in_pool=False),
    }


def _tell_reverts() -> dict[str, str]:
    died = member("t", NEW, DEAD, trial=True, assigned_at=NOW - 60, log_tail=("KeyError: 'LEDGER'",))
    unready = ill(NOW - 290, body="template missing")
    late = member("t", NEW, unready, trial=True, assigned_at=NOW - 300, in_pool=False)
    first = desired(pointer("image/hamm", "new"))
    failed = _ask(first, replace(TRYING, stable=None), died)
    return {
        "trial-died": _revert_reason(_ask(desired(TO_NEW), TRYING, *PAIR, died)),
        "trial-never-ready": _revert_reason(_ask(desired(TO_NEW), LATE, *PAIR, late)),
        "fleet-stuck": _ask(first, failed.rollout).outcome.sentence,
        "fleet-bad-secrets": _tell_bad_secrets(),
    }


def _tell_bad_secrets() -> str:
    stable, target = generation("i", secrets="old"), generation("i", secrets="new")
    wish = desired(pointer("image/hamm", "i", stable="i"), secrets="new")
    record = Rollout(service="hamm", stable=stable, trial=Trial(generation=target, begun_at=NOW - 100))
    fleet = (member("a", stable, STALE), member("b", stable, STALE))
    died = member("t", target, DEAD, trial=True, assigned_at=NOW - 60)
    return _ask(wish, _ask(wish, record, *fleet, died).rollout, *fleet).outcome.sentence


def _tell_numbers() -> dict[str, str]:
    def sample(*, errors: int) -> CanarySample:
        return CanarySample(requests=2_000, errors=errors, latencies=((30, 2_000 - errors),))

    few = CanarySample(requests=0, errors=0, latencies=())
    canary = CanarySettings(requests=500)
    book = Book()
    for instance in ("a", "b"):
        book = ask_permit(book, instance, release("looks"), budget=2, now=NOW).book
    load = ServiceLoad(requests_per_second=40.0, cpu=0.0, is_whole=True)
    targets = Targets(requests_per_second=10.0, cpu_share=0.5, cooldown_seconds=100.0)
    grown = choose_scale(Scale(service="hamm", wanted=2), targets, load, floor=2, ceiling=8, now=NOW)
    return {
        "canary-no-worse": compare(sample(errors=0), sample(errors=200), canary).why,
        "canary-worse": compare(sample(errors=200), sample(errors=0), canary).why,
        "canary-too-little": compare(few, few, canary).why,
        "permit-waits": ask_permit(book, "c", release("looks"), budget=2, now=NOW).why,
        "scale-grows": grown.reason,
    }


def _ask(wish: Desired, rollout: Rollout, *members: FleetMember) -> Plan:
    return plan(wish, Observed(rollout=rollout, members=members), NOW)


def _revert_reason(answer: Plan) -> str:
    (revert,) = (step for step in answer.steps if isinstance(step, Revert))
    return revert.why
