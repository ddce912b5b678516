"""Services and their checks: registration, reports, silence."""

from dataclasses import replace

import pytest

from handshake.drivers.embedded_catalog import checks, services
from handshake.drivers.embedded_catalog.checks import CheckDefinition, Status, check_topic
from handshake.drivers.embedded_catalog.fields import MalformedError, UnknownError
from handshake.drivers.embedded_catalog.index import last_index
from handshake.drivers.embedded_catalog.services import ServiceDefinition, service_topic
from handshake.drivers.embedded_catalog.sessions import Behavior, SessionDraft, create_session, read_session
from tests.unit.embedded_catalog.turns import Turns

WEB = ServiceDefinition(
    id="web-1", name="web", address="127.0.0.1", port=80, tags=("a", "b"), meta={"k": "v"}
)
CHECK = CheckDefinition(
    id="service:web-1", name="alive", notes="", ttl=10, deregister_after=60, initial=Status.PASSING
)


def register(
    turns: Turns,
    definition: ServiceDefinition = WEB,
    wanted: tuple[CheckDefinition, ...] = (CHECK,),
    *,
    replace_checks: bool = False,
) -> None:
    turns.write(
        lambda change: services.register(change, definition, list(wanted), replace_checks=replace_checks)
    )


def report(turns: Turns, status: Status, output: str = "") -> None:
    turns.write(lambda change: checks.report(change, CHECK.id, status, output))


def read(turns: Turns) -> checks.Check:
    check = turns.read(lambda db: checks.read_check(db, CHECK.id))
    assert check
    return check


def names(turns: Turns) -> list[str]:
    return [service.definition.id for service in turns.read(services.read_services)]


def test_the_same_registration_changes_no_index(turns: Turns) -> None:
    """Registering the same content again moves no index and keeps what the check says."""
    register(turns)
    report(turns, Status.WARNING)
    before = turns.read(last_index)
    register(turns)
    assert turns.read(last_index) == before
    assert read(turns).status is Status.WARNING


def test_another_content_moves_only_its_own_index(turns: Turns) -> None:
    """A changed endpoint has a new modify index; its neighbour, its checks and other services keep theirs."""
    neighbour, other = replace(WEB, id="web-2"), replace(WEB, id="api-1", name="api")
    register(turns)
    register(turns, neighbour, ())
    register(turns, other, ())
    before = {service.definition.id: service for service in turns.read(services.read_services)}
    other_index = turns.index(service_topic("api"))
    register(turns, replace(WEB, port=81))
    after = {service.definition.id: service for service in turns.read(services.read_services)}
    assert after["web-1"].modify_index > before["web-1"].modify_index
    assert after["web-1"].create_index == before["web-1"].create_index
    assert after["web-2"] == before["web-2"]
    assert turns.index(service_topic("api")) == other_index
    assert read(turns).modify_index == before["web-1"].modify_index


def test_an_endpoint_can_move_to_another_service(turns: Turns) -> None:
    """An id registered under another name leaves the old service, whose watchers see it go."""
    register(turns)
    before = turns.index(service_topic("web"), check_topic("web"))
    register(turns, replace(WEB, name="site"))
    assert turns.read(lambda db: services.read_endpoints(db, "web")) == []
    assert turns.index(service_topic("web")) > before
    assert turns.index(check_topic("web")) > before
    assert [check.service_name for check in turns.read(checks.read_checks)] == ["site"]


def test_deregistering_takes_the_checks_along(turns: Turns) -> None:
    """A deregistered endpoint and its checks are gone, with a later index; a second time it is unknown."""
    register(turns)
    before = turns.index(service_topic("web"))
    turns.write(lambda change: services.deregister(change, "web-1"))
    assert turns.index(service_topic("web")) > before
    assert turns.read(checks.read_checks) == []
    with pytest.raises(UnknownError, match="web-1"):
        turns.write(lambda change: services.deregister(change, "web-1"))


def test_checks_stay_unless_replaced(turns: Turns) -> None:
    """A registration that does not name a check leaves it, unless it asks for existing checks to be replaced."""
    register(turns)
    register(turns, WEB, ())
    assert [check.definition.id for check in turns.read(checks.read_checks)] == [CHECK.id]
    register(turns, WEB, (), replace_checks=True)
    assert turns.read(checks.read_checks) == []


def test_silence_is_critical(turns: Turns) -> None:
    """A check that is not reported on within its TTL turns critical, and says what it said last."""
    register(turns)
    report(turns, Status.PASSING, "all well")
    turns.wait(9.9)
    assert read(turns).status is Status.PASSING
    before = turns.index(check_topic("web"))
    turns.wait(0.2)
    assert read(turns).status is Status.CRITICAL
    assert "TTL expired" in read(turns).output
    assert "all well" in read(turns).output
    assert turns.index(check_topic("web")) > before


def test_a_report_begins_the_ttl_anew_and_wakes_nobody(turns: Turns) -> None:
    """The same status again keeps the check passing for another TTL and moves no index, whatever its output."""
    register(turns)
    before = turns.read(last_index)
    for second in range(5):
        turns.wait(9)
        report(turns, Status.PASSING, f"beat {second}")
    assert read(turns).status is Status.PASSING
    assert read(turns).output == "beat 4"
    assert turns.read(last_index) == before


def test_critical_for_too_long_is_deregistered(turns: Turns) -> None:
    """A service whose check stays critical is deregistered after the time that it asked for, and not before."""
    register(turns)
    report(turns, Status.CRITICAL)
    turns.wait(30)
    report(turns, Status.CRITICAL, "still")
    turns.wait(29)
    assert names(turns) == ["web-1"]
    turns.wait(2)
    assert names(turns) == []


def test_recovery_stops_the_deregistration(turns: Turns) -> None:
    """A check that recovers in time keeps its service."""
    register(turns)
    report(turns, Status.CRITICAL)
    turns.wait(59)
    report(turns, Status.PASSING)
    turns.wait(9)
    assert names(turns) == ["web-1"]


def test_a_restart_gives_every_check_its_full_time(turns: Turns) -> None:
    """A restarted catalogue holds what each check said last and counts its TTL from the restart."""
    register(turns)
    turns.now += 3600
    turns.restart()
    turns.wait(9)
    assert read(turns).status is Status.PASSING
    turns.wait(2)
    assert read(turns).status is Status.CRITICAL


def test_a_session_ends_with_its_check(turns: Turns) -> None:
    """A session bound to a check ends when the check turns critical, and cannot begin while it is."""
    register(turns)
    draft = SessionDraft(name="", behavior=Behavior.RELEASE, ttl="", lock_delay=0, checks=(CHECK.id,))
    session = turns.write(lambda change: create_session(change, draft))
    report(turns, Status.CRITICAL)
    assert turns.read(lambda db: read_session(db, session.id)) is None
    with pytest.raises(MalformedError, match="critical"):
        turns.write(lambda change: checks.require_not_critical(change, (CHECK.id,)))
    with pytest.raises(MalformedError, match="no-such"):
        turns.write(lambda change: checks.require_not_critical(change, ("no-such",)))
