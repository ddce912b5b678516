"""Autoscaling: out quickly, in slowly, never out of bounds, and never by what nobody measured."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from handshake.fleet.scaling import (
    FRESH_SECONDS,
    Measure,
    NodeMeasures,
    Scale,
    ServiceLoad,
    Targets,
    add_load,
    choose_scale,
    count_needed,
)
from tests.transitions.fleet_members import NOW

TARGETS = Targets(requests_per_second=10.0, cpu_share=0.5, cooldown_seconds=100.0)
FLOOR, CEILING = 2, 8
START = Scale(service="hamm", wanted=2)


def load(requests: float = 0.0, cpu: float = 0.0, *, is_whole: bool = True) -> ServiceLoad:
    """Return a load."""
    return ServiceLoad(requests_per_second=requests, cpu=cpu, is_whole=is_whole)


def look(before: Scale, seen: ServiceLoad | None, *, at: float = NOW) -> Scale:
    """Return the record after one look."""
    return choose_scale(before, TARGETS, seen, floor=FLOOR, ceiling=CEILING, now=at)


def test_the_larger_answer_wins() -> None:
    """Requests ask for three and processors for four: four it is."""
    assert count_needed(TARGETS, load(requests=30.0, cpu=1.6)) == 4


def test_more_is_needed_at_once() -> None:
    """A load that four instances carry makes four in one step."""
    grown = look(START, load(requests=40.0))
    assert (grown.wanted, grown.moved_at) == (4, NOW)
    assert "40.0" in grown.reason


def test_the_next_step_out_waits_for_newcomers_to_help() -> None:
    """Within a tenth of the cool-down nothing is added again; then it is."""
    grown = look(START, load(requests=40.0))
    assert look(grown, load(requests=60.0), at=NOW + 9).wanted == 4
    assert look(grown, load(requests=60.0), at=NOW + 10).wanted == 6


def test_fewer_take_a_whole_quiet_cooldown() -> None:
    """The fleet shrinks once fewer were enough for the whole cool-down, to the most that was needed in it."""
    scale = replace(START, wanted=6, moved_at=NOW - 1000)
    scale = look(scale, load(requests=5.0))
    scale = look(scale, load(requests=35.0), at=NOW + 50)
    assert look(scale, load(requests=5.0), at=NOW + 99).wanted == 6
    assert look(scale, load(requests=5.0), at=NOW + 100).wanted == 4


def test_a_busy_moment_begins_the_cooldown_anew() -> None:
    """Whoever was needed a moment ago stays."""
    scale = look(replace(START, wanted=6), load(requests=5.0))
    scale = look(scale, load(requests=60.0), at=NOW + 90)
    assert look(look(scale, load(requests=5.0), at=NOW + 100), load(requests=5.0), at=NOW + 190).wanted == 6


def test_a_load_just_under_a_target_keeps_its_instance() -> None:
    """Shrinking needs a tenth to spare, so a load that lies at a boundary does not swing the fleet."""
    scale = replace(START, wanted=4)
    for seconds in range(0, 1000, 10):
        scale = look(scale, load(requests=29.0), at=NOW + seconds)
    assert scale.wanted == 4


def test_what_nobody_measured_changes_nothing() -> None:
    """Without data, and with old data, the number stays."""
    scale = replace(START, wanted=6)
    old = NodeMeasures(
        node="n1", at=NOW, measures=(Measure(service="hamm", requests_per_second=1.0, cpu=0.0),)
    )
    assert look(scale, None) == scale
    assert add_load("hamm", [old], ["n1"], NOW + FRESH_SECONDS + 1) is None


def test_half_a_picture_never_shrinks() -> None:
    """While a node that answers was not heard, its load may be anything: the fleet may grow, not shrink."""
    scale = look(replace(START, wanted=6), load(requests=1.0, is_whole=False))
    assert look(scale, load(requests=1.0, is_whole=False), at=NOW + 500).wanted == 6
    assert look(scale, load(requests=70.0, is_whole=False), at=NOW + 500).wanted == 7


def test_a_persons_number_wins_until_it_ends() -> None:
    """An operator's number holds against any load; when it ends, the autoscaler goes on from there."""
    held = replace(START, wanted=3, owner="ada", until=NOW + 60)
    assert look(held, load(requests=80.0), at=NOW + 59) == held
    after = look(held, load(requests=80.0), at=NOW + 60)
    assert (after.wanted, after.owner) == (8, "autoscaler")
    for_good = replace(held, until=None)
    assert look(for_good, load(requests=80.0), at=NOW + 1e6) == for_good


def test_without_targets_a_persons_number_ends_at_the_floor() -> None:
    """Where no load is followed, nobody else would ever take the number back."""
    held = replace(START, wanted=5, owner="ada", until=NOW + 60)
    off = Targets()
    after = choose_scale(held, off, None, floor=FLOOR, ceiling=CEILING, now=NOW + 60)
    assert (after.wanted, after.owner) == (FLOOR, "autoscaler")


def test_a_services_load_is_that_of_all_nodes() -> None:
    """Requests through every gateway and processors of every node add up."""
    nodes = [
        NodeMeasures(
            node=node, at=NOW, measures=(Measure(service="hamm", requests_per_second=5.0, cpu=0.25),)
        )
        for node in ("n1", "n2")
    ]
    assert add_load("hamm", nodes, ["n1", "n2"], NOW) == load(10.0, 0.5)
    assert add_load("hamm", nodes, ["n1", "n2", "n3"], NOW) == load(10.0, 0.5, is_whole=False)


looks = st.lists(
    st.tuples(
        st.floats(0.5, 40.0),
        st.one_of(st.none(), st.builds(load, st.floats(0, 200), st.floats(0, 6), is_whole=st.booleans())),
    ),
    max_size=60,
)


@settings(max_examples=80, deadline=None)
@given(looks)
def test_every_story_keeps_its_bounds_and_its_pace(story: list[tuple[float, ServiceLoad | None]]) -> None:
    """Between floor and ceiling always; between a step and the next one down lies a whole cool-down."""
    scale, now = START, NOW
    for seconds, seen in story:
        now += seconds
        after = look(scale, seen, at=now)
        assert FLOOR <= after.wanted <= CEILING
        if seen is None:
            assert after == scale
        if after.wanted > scale.wanted:
            assert now - scale.moved_at >= TARGETS.cooldown_seconds / 10
        if after.wanted < scale.wanted:
            assert now - scale.moved_at >= TARGETS.cooldown_seconds
        scale = after


@settings(max_examples=80, deadline=None)
@given(st.floats(0, 200), st.floats(0, 200), st.floats(0, 6), st.floats(0, 6))
def test_more_load_never_needs_fewer(requests: float, more: float, cpu: float, hotter: float) -> None:
    """The number needed never falls where the load rises."""
    assert count_needed(TARGETS, load(requests, cpu)) <= count_needed(
        TARGETS, load(requests + more, cpu + hotter)
    )


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 200), st.floats(0, 6))
def test_a_steady_load_comes_to_rest(requests: float, cpu: float) -> None:
    """Under a load that stays the same the number moves a few times at most, and then no more."""
    scale, moves = replace(START, wanted=5), 0
    for minute in range(60):
        after = look(scale, load(requests, cpu), at=NOW + 60 * minute)
        moves += after.wanted != scale.wanted
        scale = after
    assert moves <= 2
