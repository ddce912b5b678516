"""How often an instance is asked how it is."""

from __future__ import annotations

import pytest

from handshake.fleet.instance import Evidence, Verdict, Verdicts, VerdictState
from handshake.fleet.instances.verdicts import Watched, may_pause

ASKED_AT = 1000.0
WELL_SINCE = ASKED_AT - 60


def watched(
    *, since: float = WELL_SINCE, failures: int = 0, doubted: dict[str, VerdictState] | None = None
) -> Watched:
    """Return an instance that is well, but for what is said."""

    def verdict(name: str) -> Verdict:
        finding = (doubted or {}).get(name, VerdictState.YES)
        return Verdict(finding=finding, since=since, evidence=Evidence(status=200, at=ASKED_AT))

    verdicts = Verdicts(alive=verdict("alive"), ready=verdict("ready"), fresh=verdict("fresh"))
    return Watched(verdicts=verdicts, failures=failures)


def test_the_well_are_left_alone_for_a_second() -> None:
    """An instance that has been well for a minute is asked once a second."""
    assert may_pause(watched(), ASKED_AT + 0.25)
    assert not may_pause(watched(), ASKED_AT + 1.0)


def test_newcomers_are_asked_every_time() -> None:
    """An instance that became ready a moment ago is on trial: it is asked at every cycle."""
    assert not may_pause(watched(since=ASKED_AT - 5), ASKED_AT + 0.25)


@pytest.mark.parametrize("name", ["alive", "ready", "fresh"])
@pytest.mark.parametrize("finding", [VerdictState.NO, VerdictState.UNKNOWN])
def test_doubt_is_looked_into(name: str, finding: VerdictState) -> None:
    """An instance of which one verdict is not a yes is asked at every cycle."""
    assert not may_pause(watched(doubted={name: finding}), ASKED_AT + 0.25)


def test_a_first_failure_is_looked_into() -> None:
    """One failed probe, not yet enough for a verdict, is followed by the next at once."""
    assert not may_pause(watched(failures=1), ASKED_AT + 0.25)


def test_a_clock_that_went_back_silences_nothing() -> None:
    """Where the clock was set back, instances are asked as ever."""
    assert not may_pause(watched(), ASKED_AT - 3600)
