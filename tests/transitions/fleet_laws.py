"""The laws of replacement: each is asserted of every plan that the simulated world's leader gets."""

from __future__ import annotations

from handshake.fleet.engine.fleet import find_bad
from handshake.fleet.engine.state import FleetMember, Plan, Rollout
from handshake.fleet.engine.steps import Drain, Launch, Park, Retire, Revert
from handshake.fleet.instance import Generation, InstancePhase, Purpose
from tests.transitions.fleet_world import World, is_sick


def check_laws(world: World, decided: Plan) -> None:
    """Assert every law of a plan that is about to be carried out."""
    check_plan_is_repeatable(world, decided)
    check_ignorance_decides_nothing(world, decided)
    check_floor_holds(world, decided)
    check_successors_are_proven_before_drains(world, decided)
    check_pause_is_honoured(world, decided)
    check_freeze_is_honoured(world, decided)
    check_budget_holds(world, decided)
    check_only_trusted_generations_spread(world, decided)
    check_reverts_lead_to_stable(decided)
    check_every_cycle_has_a_reason(decided)


def check_plan_is_repeatable(world: World, decided: Plan) -> None:
    """The same inputs give the same plan."""
    assert world.plan() == decided


def check_ignorance_decides_nothing(world: World, decided: Plan) -> None:
    """Nothing is decided on an unreadable catalogue, and no member is sent away because nobody speaks of it."""
    if not world.is_catalogue_readable:
        assert not decided.steps
        assert decided.rollout == world.rollout
    for name in _leaving(decided):
        box, record = world.boxes[name], world.rollout
        is_silent = box.assignment.node in world.silent_nodes
        is_in_every_pool = all(name in pool for pool in world.pools.values())
        is_over = box.assignment.phase is InstancePhase.DRAIN or not _is_trusted(
            box.assignment.generation, record
        )
        assert is_over or not (is_silent and is_in_every_pool), (
            f"{name} may serve, nobody speaks of it, and it must go"
        )


def check_floor_holds(world: World, decided: Plan) -> None:
    """Whoever sends a serving member away leaves the floor serving."""
    serving = {member.id for member in _count(world) if member.is_serving}
    left = serving - _leaving(decided)
    assert left == serving or len(left) >= world.desired.settings.floor, f"only {sorted(left)} would serve"


def check_successors_are_proven_before_drains(world: World, decided: Plan) -> None:
    """A member is replaced only by one that is ready for the whole soak and held open by every gateway."""
    replaced = _replaced(decided)
    if replaced:
        settings = world.desired.settings
        aim = world.rollout.stable if find_bad(world.desired, world.rollout) else world.desired.target
        left = [
            member
            for member in _count(world)
            if member.id not in _leaving(decided)
            and (
                member.generation != aim
                or (member.is_serving and member.verdicts.ready.since + settings.soak_seconds <= world.now)
            )
        ]
        assert len(left) >= settings.desired, f"{sorted(replaced)} drain before their successors are proven"


def check_pause_is_honoured(world: World, decided: Plan) -> None:
    """While a rollout is paused, no trial begins and nobody is replaced."""
    if world.desired.hold:
        assert not [s for s in decided.steps if isinstance(s, Launch) and s.purpose is Purpose.TRIAL]
        assert not _replaced(decided)


def check_freeze_is_honoured(world: World, decided: Plan) -> None:
    """Inside a freeze no trial is launched but of what had begun before, or of a first release."""
    if world.desired.freeze and world.rollout.stable:
        begun = world.rollout.trial.generation if world.rollout.trial else None
        launched = [s for s in decided.steps if isinstance(s, Launch) and s.purpose is Purpose.TRIAL]
        assert not [step for step in launched if step.generation != begun]


def check_budget_holds(world: World, decided: Plan) -> None:
    """No launch makes more instances run than desired and the budget allow."""
    launches = [step for step in decided.steps if isinstance(step, Launch)]
    if launches:
        settings = world.desired.settings
        running = [
            member.id
            for member in world.observe().members
            if not member.is_draining and not member.is_dead and member.id not in _leaving(decided)
        ]
        assert len(running) + len(launches) <= settings.desired + settings.budget, f"{running} run already"


def check_only_trusted_generations_spread(world: World, decided: Plan) -> None:
    """A generation that has not passed its trial has one instance, and a sick one never passes."""
    record = decided.rollout
    trusted = [generation for generation in (record.stable, *record.passed, _way_back(world)) if generation]
    assert not [generation for generation in trusted if is_sick(generation)]
    untrusted = [
        box.assignment.generation
        for name, box in world.boxes.items()
        if box.assignment.phase is InstancePhase.RUN and name not in _leaving(decided)
    ]
    untrusted += [step.generation for step in decided.steps if isinstance(step, Launch)]
    untrusted = [generation for generation in untrusted if generation not in trusted]
    is_compared = bool(record.canary and record.canary.generation in untrusted)
    most = world.desired.settings.canary_size if is_compared else 1
    if is_compared and not any(isinstance(step, Launch) for step in decided.steps):
        # A fleet that is made smaller in the middle of a comparison keeps the canaries that it has.
        most = max(most, sum(box.assignment.purpose is Purpose.CANARY for box in world.boxes.values()))
    assert len(untrusted) <= most, f"{len(untrusted)} instances run what no trial has passed"


def check_reverts_lead_to_stable(decided: Plan) -> None:
    """A pointer is only ever sent back to the stable generation, with a reason."""
    stable = decided.rollout.stable
    for step in decided.steps:
        if isinstance(step, Revert):
            assert stable
            assert step.to in (stable.image, stable.templates)
            assert step.to != step.bad
            assert step.why


def check_every_cycle_has_a_reason(decided: Plan) -> None:
    """Every cycle ends in a sentence."""
    assert decided.outcome.sentence.startswith("hamm: ")
    assert len(decided.outcome.sentence) > len("hamm: ")


def _way_back(world: World) -> Generation | None:
    """Return the generation that blue-green keeps warm now."""
    warm = world.rollout.warm
    return warm.generation if warm and warm.until > world.now else None


def _replaced(decided: Plan) -> set[str]:
    return {
        step.instance
        for step in decided.steps
        if isinstance(step, Drain | Park) and step.why.startswith("replaced")
    }


def _leaving(decided: Plan) -> set[str]:
    return {step.instance for step in decided.steps if isinstance(step, Drain | Park | Retire)}


def _count(world: World) -> list[FleetMember]:
    """Return the members that count for capacity: neither draining nor warm nor on trial."""
    return [
        member
        for member in world.observe().members
        if not member.is_draining
        and not member.is_parked
        and _is_trusted(member.generation, world.rollout, _way_back(world))
    ]


def _is_trusted(generation: Generation, record: Rollout, way_back: Generation | None = None) -> bool:
    return generation in (record.stable, *record.passed, way_back)
