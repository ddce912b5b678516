"""Stories: operators, crashes, silences and dying leaders in any order, and the laws hold in each of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from handshake.fleet.engine.freeze import Freeze
from handshake.fleet.engine.state import Stage
from handshake.fleet.engine.strategy import Strategy
from handshake.fleet.instance import InstancePhase
from tests.transitions.fleet_laws import check_laws
from tests.transitions.fleet_members import HOLD
from tests.transitions.fleet_world import GATEWAYS, NODES, TICK_SECONDS, Image, Look, World, build_world

PATIENCE_TICKS = 400
QUIET_TICKS = 5
GOOD_IMAGES = (Image.GOOD, Image.BETTER, Image.BOOTS_SLOWLY)
FOR_A_WHILE = st.integers(min_value=1, max_value=30)


class Stories(RuleBasedStateMachine):
    """A world in which anything may happen; at the end all failures stop, and the fleet must arrive."""

    world: World

    @initialize(
        floor_share=st.sampled_from([1.0, 0.5]),
        count=st.integers(min_value=1, max_value=5),
        ticks=st.sampled_from([30, 0]),
        strategy=st.sampled_from(Strategy),
    )
    def a_campaign_begins(self, floor_share: float, count: int, ticks: int, strategy: Strategy) -> None:
        """Begin with a good release, which may or may not have time to settle."""
        self.world = build_world(floor_share=floor_share, strategy=strategy)
        self.world.resize(count)
        self._live(ticks)

    # Operators

    @rule(image=st.sampled_from([*GOOD_IMAGES, *Image]), ticks=st.integers(min_value=0, max_value=40))
    def an_operator_promotes_an_image(self, image: Image, ticks: int) -> None:
        """Move the image pointer, to a good release or a bad one, and watch for a while."""
        self.world.promote(image.digest, kind="image")
        self._live(ticks)

    @rule(look=st.sampled_from(Look), ticks=st.integers(min_value=0, max_value=40))
    def an_operator_promotes_templates(self, look: Look, ticks: int) -> None:
        """Move the templates pointer, and watch for a while."""
        self.world.promote(look.digest, kind="templates")
        self._live(ticks)

    @rule(secrets=st.sampled_from(["monday", "tuesday"]))
    def an_operator_rotates_the_secrets(self, secrets: str) -> None:
        """Make every instance stale."""
        self.world.desired = replace(self.world.desired, secrets=secrets)

    @rule(count=st.integers(min_value=1, max_value=6))
    def an_operator_resizes_the_fleet(self, count: int) -> None:
        """Ask for another number of instances."""
        self.world.resize(count)

    @rule(strategy=st.sampled_from(Strategy))
    def an_operator_chooses_another_strategy(self, strategy: Strategy) -> None:
        """Change the policy in the middle of whatever goes on."""
        settings = replace(self.world.desired.settings, strategy=strategy)
        self.world.desired = replace(self.world.desired, settings=settings)

    @rule(image=st.sampled_from(GOOD_IMAGES), ticks=FOR_A_WHILE)
    def a_freeze_begins_before_a_promotion(self, image: Image, ticks: int) -> None:
        """Freeze the calendar for a while; an operator promotes all the same."""
        until = self.world.now + ticks * TICK_SECONDS
        self.world.desired = replace(self.world.desired, freeze=Freeze(until=until, zone="UTC"))
        self.world.promote(image.digest, kind="image")
        self._live(ticks)
        self.world.desired = replace(self.world.desired, freeze=None)

    @rule(ticks=FOR_A_WHILE)
    def an_operator_pauses_for_a_while(self, ticks: int) -> None:
        """Pause the rollout, then let it go on."""
        self.world.desired = replace(self.world.desired, hold=HOLD)
        self._live(ticks)
        self.world.desired = replace(self.world.desired, hold=None)

    # Failures, and their end

    @precondition(lambda self: self.world.boxes)
    @rule(choice=st.integers(min_value=0, max_value=7))
    def an_instance_crashes(self, choice: int) -> None:
        """End one instance's process."""
        boxes = list(self.world.boxes.values())
        boxes[choice % len(boxes)].has_crashed = True

    @rule(node=st.sampled_from(NODES))
    def a_node_falls_silent(self, node: str) -> None:
        """Let a node's agent stop."""
        self.world.silent_nodes.add(node)

    @rule(node=st.sampled_from(NODES))
    def a_node_speaks_again(self, node: str) -> None:
        """Let a node's agent go on."""
        self.world.silent_nodes.discard(node)

    @rule(gateway=st.sampled_from(GATEWAYS))
    def a_gateway_lags(self, gateway: str) -> None:
        """Let a gateway keep its pool as it is."""
        self.world.lagging_gateways.add(gateway)

    @rule(gateway=st.sampled_from(GATEWAYS))
    def a_gateway_catches_up(self, gateway: str) -> None:
        """Let a gateway take up its pool."""
        self.world.lagging_gateways.discard(gateway)

    @rule(ticks=FOR_A_WHILE)
    def the_database_is_down_for_a_while(self, ticks: int) -> None:
        """Make every instance answer 500."""
        self.world.is_database_down = True
        self._live(ticks)
        self.world.is_database_down = False

    @rule(ticks=FOR_A_WHILE)
    def the_catalogue_is_lost_for_a_while(self, ticks: int) -> None:
        """Hide the catalogue from the leader."""
        self.world.is_catalogue_readable = False
        self._live(ticks)
        self.world.is_catalogue_readable = True

    # Time and the leader

    @rule(ticks=st.integers(min_value=1, max_value=40))
    def time_passes(self, ticks: int) -> None:
        """Let the leader work every five seconds."""
        self._live(ticks)

    @rule(cycles=st.integers(min_value=1, max_value=12), steps=st.integers(min_value=0, max_value=1))
    def leaders_die_midway(self, cycles: int, steps: int) -> None:
        """Let each leader keep its record and apply only the first steps; the next one knows the record alone."""
        for _ in range(cycles):
            self._lead(only=steps)
            self.world.tick()

    def _live(self, ticks: int) -> None:
        for _ in range(ticks):
            self._lead()
            self.world.tick()

    def _lead(self, only: int | None = None) -> bool:
        """Carry out one cycle and tell whether it changed anything."""
        decided = self.world.plan()
        if decided.outcome.changed:
            note(f"    {self.world.now:g} s  {decided.outcome.sentence}")
        check_laws(self.world, decided)
        self.world.carry_out(decided, only=only)
        return decided.outcome.changed

    # The end

    def teardown(self) -> None:
        """When failures stop, the fleet arrives where the newest pointers point, and then rests."""
        if not hasattr(self, "world"):
            return
        self._let_everything_recover()
        quiet_ticks = 0
        for _ in range(PATIENCE_TICKS):
            quiet_ticks = 0 if self._lead() else quiet_ticks + 1
            self.world.tick()
            is_at_rest = self.world.rollout.stage in (Stage.SETTLED, Stage.STUCK)
            if quiet_ticks >= QUIET_TICKS and is_at_rest and not self._is_kept_warm():
                break
        self._check_arrival()

    def _is_kept_warm(self) -> bool:
        return any(box.assignment.phase is InstancePhase.WARM for box in self.world.boxes.values())

    def _let_everything_recover(self) -> None:
        self.world.silent_nodes.clear()
        self.world.lagging_gateways.clear()

    def _check_arrival(self) -> None:
        world, last = self.world, self.world.plan()
        assert not last.steps, f"no rest: {last.outcome.sentence}"
        if world.rollout.stage is Stage.STUCK:
            assert world.rollout.stable is None
            return
        assert world.rollout.stage is Stage.SETTLED, last.outcome.sentence
        assert [box.assignment.phase for box in world.boxes.values()] == [
            InstancePhase.RUN
        ] * world.desired.settings.desired
        bad_secrets = [bad for bad in world.rollout.bad if bad.part.name == "secrets"]
        if not bad_secrets:
            assert world.rollout.stable == world.desired.target
        assert {box.assignment.generation for box in world.boxes.values()} == {world.rollout.stable}
        assert all(pointer.stable == pointer.release for pointer in world.desired.pointers) or bad_secrets


TestStories = Stories.TestCase
TestStories.settings = settings(max_examples=120, stateful_step_count=25)
