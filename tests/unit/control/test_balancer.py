"""Replacement with no controller in the loop: a balancer and a scaling group that only ask `/health-elb`."""

from __future__ import annotations

import pytest

from handshake.fleet.load_balancer.health_check import CONSUL_ERROR
from tests.unit.control.group import IMAGE, Group

LONG = 600.0


@pytest.mark.parametrize("budget", [1, 2])
def test_a_moved_pointer_replaces_everybody_at_the_budgets_pace(budget: int) -> None:
    """The whole group is replaced, and never are more than the budget out of service at once."""
    group = Group(desired=4, budget=budget, looks="old")
    group.move("new")
    assert len(group.stale) == 4 + budget

    group.run(LONG)

    assert group.stale == []
    assert group.fewest == group.desired


@pytest.mark.parametrize("renders", [True, False])
@pytest.mark.parametrize("budget", [1, 2])
def test_a_moved_image_replaces_everybody_at_the_same_pace(budget: int, *, renders: bool) -> None:
    """An image is followed as templates are, by services that render templates and by those that do not."""
    group = Group(desired=4, budget=budget, looks="old", renders=renders)
    group.move("second", IMAGE)
    assert len(group.stale) == 4 + budget

    group.run(LONG)

    assert group.stale == []
    assert group.fewest == group.desired


def test_image_and_templates_share_one_budget() -> None:
    """Image and templates that move at once, or one after the other, never cost more than the budget together."""
    group = Group(desired=4, budget=1, looks="old")
    group.move("second", IMAGE)
    group.run(20)
    group.move("new")
    group.run(20)
    group.move("third", IMAGE)
    group.move("newest")
    group.run(2 * LONG)

    assert group.stale == []
    assert group.fewest == group.desired


def test_an_image_that_comes_back_stops_the_replacement() -> None:
    """After a rollback of the image only those who had left are new, and no permit stays out."""
    group = Group(desired=4, budget=1, looks="old", renders=False)
    before = {machine.name for machine in group.machines}
    group.move("second", IMAGE)
    group.run(10)
    group.move("first", IMAGE)
    group.run(LONG)

    assert group.stale == []
    assert len(before - {machine.name for machine in group.machines}) <= 2
    group.move("third", IMAGE)
    group.run(LONG)
    assert group.stale == []
    assert group.fewest == group.desired


def test_nobody_is_replaced_while_nothing_moves() -> None:
    """A group of the live release stays as it is."""
    group = Group(desired=3, budget=1, looks="old")
    before = list(group.machines)

    group.run(LONG)

    assert group.machines == before
    assert group.fewest == 4


def test_a_pointer_that_moves_again_in_between_is_followed_at_the_same_pace() -> None:
    """Machines of the release in between are replaced too; the budget is one for all of it."""
    group = Group(desired=4, budget=1, looks="old")
    group.move("new")
    group.run(20)
    group.move("newest")
    group.run(LONG)

    assert group.stale == []
    assert group.fewest == group.desired


def test_a_pointer_that_comes_back_stops_the_replacement() -> None:
    """After a rollback only those who had left are new, and no permit stays out."""
    group = Group(desired=4, budget=1, looks="old")
    before = {machine.name for machine in group.machines}
    group.move("new")
    group.run(10)
    group.move("old")
    group.run(LONG)

    assert group.stale == []
    assert len(before - {machine.name for machine in group.machines}) <= 2
    group.move("newest")
    group.run(LONG)
    assert group.stale == []
    assert group.fewest == group.desired


def test_without_a_catalogue_nobody_becomes_ill() -> None:
    """While the catalogue is silent nobody is replaced and each question is counted; then it goes on."""
    group = Group(desired=3, budget=1, looks="old")
    group.move("new")
    group.catalog.is_down = True
    before = list(group.machines)

    group.run(60)

    assert group.machines == before
    assert group.fewest == 4
    assert group.counters.counts[CONSUL_ERROR] == 30 * 4
    group.catalog.is_down = False
    group.run(LONG)
    assert group.stale == []
    assert group.fewest == group.desired
