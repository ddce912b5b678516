"""Where new instances start."""

from __future__ import annotations

from dataclasses import replace

from handshake.fleet.engine.placement import Placement
from handshake.fleet.instance import Assignment, InstancePhase
from tests.transitions.fleet_members import NOW, generation

OLD, NEW = generation("old"), generation("new")


def on(node: str, *, service: str = "hamm", phase: InstancePhase = InstancePhase.RUN) -> Assignment:
    """Return an instance of the old generation on a node."""
    name = f"{service}-{node}"
    return Assignment(
        instance=name,
        node=node,
        service=service,
        generation=OLD,
        phase=phase,
        assigned_at=NOW,
        phase_at=NOW,
    )


def test_a_generation_spreads_wherever_the_one_before_it_was() -> None:
    """Three successors of three instances that shared a node start on three nodes."""
    placement = Placement(("n1", "n2", "n3"), service="hamm", assignments=[on("n1")] * 3)
    assert sorted(placement.choose(NEW) for _ in range(3)) == ["n1", "n2", "n3"]


def test_a_replacement_goes_where_its_kind_is_missing() -> None:
    """An instance of the same generation comes to the node that has none."""
    placement = Placement(("n1", "n2"), service="hamm", assignments=[on("n1")])
    assert placement.choose(OLD) == "n2"


def test_of_equal_nodes_the_emptier_is_taken() -> None:
    """Instances of other services count where the own ones do not tell nodes apart."""
    placement = Placement(("n1", "n2"), service="hamm", assignments=[on("n1", service="events")])
    assert placement.choose(NEW) == "n2"


def test_who_drains_takes_no_place() -> None:
    """An instance on its way out is not counted."""
    leaving = replace(on("n1"), phase=InstancePhase.DRAIN)
    placement = Placement(("n1", "n2"), service="hamm", assignments=[leaving, on("n2")])
    assert placement.choose(OLD) == "n1"


def test_where_no_node_answers_nothing_starts() -> None:
    """A silent node gets no new instance, and if all are silent none starts."""
    assert not Placement((), service="hamm", assignments=[on("n1")]).choose(NEW)
