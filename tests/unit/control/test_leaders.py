"""Several leaders over one catalogue: one leads, what comes late is refused, and the newest pointer wins."""

from __future__ import annotations

import pytest

from handshake.catalog.codec import decode
from handshake.catalog.keys import ASSIGNMENTS, rollout_key
from handshake.core.errors import ConflictError
from handshake.core.outcome import Outcome
from handshake.core.subject import parse_subject
from handshake.fleet.engine.placement import Placement
from handshake.fleet.engine.state import Plan, Rollout, Stage
from handshake.fleet.engine.steps import Drain, Retire
from handshake.fleet.engine.strategy import Strategy
from handshake.fleet.instance import InstancePhase, Purpose
from handshake.fleet.rollouts.steps import StepRunner
from handshake.fleet.settings import FreezeSettings
from handshake.pointers.pointers import Pointers
from tests.unit.control.controlled import IMAGE, LOOK, Controlled, release
from tests.unit.control.leading import CAMPAIGN, Campaign


@pytest.fixture
def campaign() -> Campaign:
    """Return a campaign whose one fleet has settled on its first release."""
    campaign = Campaign()
    promote(campaign, IMAGE, "good")
    promote(campaign, LOOK, "plain")
    leader, leadership = campaign.leader("first")
    for _ in range(20):
        leader.cycle()
        campaign.tick()
    leadership.give_up()
    assert record(campaign).stage is Stage.SETTLED
    return campaign


def promote(campaign: Campaign, subject: str, name: str) -> None:
    """Move a pointer."""
    Controlled(catalog=campaign.catalog, clock=campaign.clock).promote(subject, name)


def record(campaign: Campaign) -> Rollout:
    """Return the rollout's record."""
    entry = campaign.catalog.get(rollout_key("hamm"))
    assert entry
    return decode(Rollout, entry.value)


def images(campaign: Campaign) -> set[str]:
    """Return the images of all instances that are to run."""
    return {each.generation.image for each in campaign.assignments if each.phase is InstancePhase.RUN}


def test_one_of_two_leads(campaign: Campaign) -> None:
    """While one process leads, the other one changes nothing; when it gives up, the other goes on where it was."""
    (one, hold), (other, _) = campaign.leader("one"), campaign.leader("other")
    promote(campaign, IMAGE, "better")
    one.cycle()
    trial = record(campaign).trial
    before = campaign.catalog.read("").index
    assert other.cycle().sentence == "another process leads"
    assert campaign.catalog.read("").index == before
    hold.give_up()
    for _ in range(30):
        other.cycle()
        campaign.tick()
        assert one.cycle().sentence == "another process leads"
        if record(campaign).trial:
            assert record(campaign).trial == trial, "the trial was begun anew"
    assert images(campaign) == {release("better")}
    assert record(campaign).stage is Stage.SETTLED


@pytest.mark.parametrize("cycles", range(14))
def test_a_leader_that_was_stopped_cannot_write_when_it_wakes(campaign: Campaign, cycles: int) -> None:
    """A leader that stands still right before a write, loses the lock and wakes, writes nothing, at whatever write."""
    (stopped, hold), (successor, _) = campaign.leader("stopped"), campaign.leader("successor")
    promote(campaign, IMAGE, "better")
    for _ in range(cycles):
        stopped.cycle()
        campaign.tick()
    after = []

    def meanwhile() -> None:
        """Let its session end, and another leader carry the rollout through."""
        hold.give_up()
        for _ in range(30):
            successor.cycle()
            campaign.tick()
        after.append(campaign.catalog.read("").index)

    campaign.catalog.meanwhile = meanwhile
    refused = False
    try:
        stopped.cycle()
    except ConflictError:
        refused = True
    # Where the plan had nothing to write, the next writer would be the successor itself.
    assert refused or not after
    if after:
        assert campaign.catalog.read("").index == after[0]
        assert images(campaign) == {release("better")}
        assert len(campaign.assignments) == 2


def test_a_late_settle_and_a_late_revert_are_refused(campaign: Campaign) -> None:
    """Pointers are fenced as assignments are: a leader of yesterday settles nothing and sends nothing back."""
    leader, hold = campaign.leader("yesterday")
    leader.cycle()
    late = hold.fence()
    hold.give_up()
    promote(campaign, IMAGE, "better")
    pointers = Pointers(campaign.catalog, campaign.clock)
    pointer = pointers.get(parse_subject(IMAGE))
    assert pointer
    with pytest.raises(ConflictError):
        pointers.settle(pointer, also=[late])
    assert pointers.move_back(pointer, to=release("good"), who="leader", why="late", also=[late]) is None
    assert pointers.get(parse_subject(IMAGE)) == pointer


def test_three_moves_in_ten_seconds_have_one_rollout(campaign: Campaign) -> None:
    """The newest pointer wins: no two trials at once, nothing of what was superseded spreads, all end on the last."""
    leader, _ = campaign.leader("one")
    for name in ("second", "third", "fourth"):
        promote(campaign, IMAGE, name)
        for _ in range(2):
            leader.cycle()
            trials = [
                a for a in campaign.assignments if a.purpose is Purpose.TRIAL and a.phase is InstancePhase.RUN
            ]
            assert len([trial for trial in trials if trial.generation.image != release("good")]) <= 1
            campaign.tick()
    for _ in range(40):
        leader.cycle()
        campaign.tick()
        assert images(campaign) <= {release("good"), release("fourth")}
    assert images(campaign) == {release("fourth")}
    assert record(campaign).stage is Stage.SETTLED


def test_the_calendar_of_the_policy_holds_what_an_operator_promotes(campaign: Campaign) -> None:
    """Inside a window of handshake.toml a promotion waits, until the window's end or until it is forced."""
    campaign.settings = CAMPAIGN.model_copy(
        update={"freeze": FreezeSettings(weekly=("mon 00:00 - mon 15:00",))}
    )
    leader, _ = campaign.leader("one")
    promote(campaign, IMAGE, "better")
    for _ in range(5):
        leader.cycle()
        campaign.tick()
    assert record(campaign).stage is Stage.HELD
    assert "until 1970-01-12 15:00Z" in record(campaign).reason
    assert images(campaign) == {release("good")}
    campaign.clock.advance(2 * 3600)
    for _ in range(30):
        leader.cycle()
        campaign.tick()
    assert images(campaign) == {release("better")}


def test_a_pause_reaches_the_leader_and_its_end_too(campaign: Campaign) -> None:
    """A leader obeys a hold that somebody wrote while nobody led, and goes on when its time is over."""
    Controlled(catalog=campaign.catalog, clock=campaign.clock).rollouts().pause(
        "hamm", reason="tea", seconds=60
    )
    promote(campaign, IMAGE, "better")
    leader, _ = campaign.leader("one")
    leader.cycle()
    assert record(campaign).stage is Stage.PAUSED
    assert record(campaign).reason.startswith("paused by ada until")
    for _ in range(60):
        campaign.tick()
        leader.cycle()
    assert images(campaign) == {release("better")}


@pytest.mark.parametrize("name", ["blue-green", "canary"])
def test_a_strategy_of_the_policy_is_carried_out(campaign: Campaign, name: str) -> None:
    """Every step of every strategy is a write that the leader can do: warm fleets are opened, canaries judged."""
    service = CAMPAIGN.services["hamm"].model_copy(
        update={"strategy": Strategy(name), "canary_seconds": 1.0, "canary_requests": 100}
    )
    campaign.settings = CAMPAIGN.model_copy(update={"services": {"hamm": service}})
    promote(campaign, IMAGE, "better")
    leader, _ = campaign.leader("one")
    stages = set()
    for _ in range(60):
        leader.cycle()
        campaign.count_answers(300)
        campaign.tick()
        stages.add(record(campaign).stage)
    assert images(campaign) == {release("better")}
    assert record(campaign).stage is Stage.SETTLED
    warm = [each for each in campaign.assignments if each.phase is InstancePhase.WARM]
    assert (len(warm), Stage.CANARY in stages) == ((2, False) if name == "blue-green" else (0, True))


def test_an_instance_that_two_rules_send_away_is_written_once(campaign: Campaign) -> None:
    """A transaction that wrote one key twice would be refused for ever: the first step counts."""
    _, hold = campaign.leader("one")
    hold.keep()
    entries = campaign.catalog.read(ASSIGNMENTS).entries
    name = campaign.assignments[0].instance
    steps = (Drain(instance=name, why="overdue"), Retire(instance=name, why="replaced"))
    made = Plan(steps=steps, rollout=record(campaign), outcome=Outcome(sentence="twice", changed=True))
    runner = StepRunner(campaign.catalog, Pointers(campaign.catalog, campaign.clock), campaign.clock)
    placement = Placement((), service="hamm", assignments=())
    runner.carry_out(
        made, before=record(campaign), assignments=entries, placement=placement, fence=hold.fence()
    )
    assert [each.phase for each in campaign.assignments if each.instance == name] == [InstancePhase.DRAIN]
