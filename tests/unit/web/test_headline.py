"""The headline: the one sentence on top."""

from __future__ import annotations

import pytest

from handshake.campaign.status import StatusReport
from handshake.web.headline import Settlement, compose_headline
from tests.unit.web.reports import build_fleet, build_report, build_subject, refuses, serves, waits


def say(report: StatusReport) -> tuple[Settlement, str]:
    headline = compose_headline(report)
    return headline.mood, headline.sentence


def test_a_settled_house() -> None:
    """Where every place serves every pointer, all is settled."""
    assert say(build_report()) == (Settlement.SETTLED, "All settled")


def test_one_subject_on_its_way() -> None:
    """A subject that a place has not acknowledged is named, and so is the place."""
    headline = compose_headline(
        build_report(build_subject("site/calls", serves("cache@n1"), waits("cache@n2")))
    )
    assert (headline.mood, headline.sentence) == (Settlement.MOVING, "site/calls is being rolled out")
    assert headline.details == ("site/calls r5 waits for cache@n2",)


def test_several_subjects_on_their_way() -> None:
    """Several moving subjects are counted in the sentence and named below it."""
    rows = (build_subject("site/a", waits("cache@n1")), build_subject("site/b", waits("cache@n1")))
    headline = compose_headline(build_report(*rows))
    assert headline.sentence == "2 subjects are being rolled out"
    assert len(headline.details) == 2


def test_served_everywhere_but_not_stable() -> None:
    """A pointer that every place serves is being rolled out until it has settled."""
    headline = compose_headline(build_report(build_subject("image/hamm", is_stable=False)))
    assert headline.mood is Settlement.MOVING
    assert headline.details == ("image/hamm r5 is served by every place, but has not settled yet",)


def test_a_refusal_outweighs_what_moves() -> None:
    """A refusal comes before whatever is being rolled out: which place, which subject, why, and what it serves."""
    moving = build_subject("site/a", waits("cache@n1"))
    refused = build_subject("policy/example", refuses("ingress@n1", "line 7: no such map"))
    headline = compose_headline(build_report(moving, refused))
    assert (headline.mood, headline.sentence) == (Settlement.REFUSED, "ingress@n1 refuses policy/example r5")
    assert headline.details == ("line 7: no such map. It still serves r4.",)


def test_several_refusals() -> None:
    """Of several refusals the first is the sentence, the others are counted and explained below."""
    row = build_subject("site/a", refuses("cache@n1", "disk full"), refuses("cache@n2", "no memory", 0))
    headline = compose_headline(build_report(row))
    assert headline.sentence == "cache@n1 refuses site/a r5, and 1 more"
    assert headline.details[1] == "cache@n2 refuses site/a r5: no memory. It does not serve it yet."


@pytest.mark.parametrize("stage", ["stuck", "frozen"])
def test_a_halted_fleet_is_trouble(stage: str) -> None:
    """A fleet that goes on only when somebody acts is trouble, even where every pointer is served."""
    report = build_report(fleets=(build_fleet(stage),))
    assert say(report) == (Settlement.REFUSED, f"hamm is {stage}")


@pytest.mark.parametrize("stage", ["trial", "replacing", "paused", "a-stage-of-tomorrow"])
def test_a_fleet_in_motion(stage: str) -> None:
    """A fleet in any other stage than settled is being rolled out."""
    assert say(build_report(fleets=(build_fleet(stage),))) == (Settlement.MOVING, f"hamm: {stage}")


def test_nothing_is_live() -> None:
    """A campaign without pointers is not called settled."""
    report = build_report(subjects=(), fleets=())
    assert say(report) == (Settlement.MOVING, "Nothing is live yet")


def test_nobody_leads() -> None:
    """A campaign that nobody leads is settled, but not well."""
    assert say(build_report(leader="")) == (Settlement.MOVING, "All settled, but there is no leader")


def test_the_reports_own_word_counts() -> None:
    """What the report does not call settled is not called settled here."""
    assert say(build_report(is_settled=False)) == (Settlement.MOVING, "Not settled yet")
