"""What happens when nobody acts in time: sessions end, checks turn critical, dead services are deregistered."""

from __future__ import annotations

from handshake.drivers.embedded_catalog.change import Change
from handshake.drivers.embedded_catalog.checks import lapse, read_check, read_checks, start_timers
from handshake.drivers.embedded_catalog.deadlines import Timer
from handshake.drivers.embedded_catalog.locks import end_session
from handshake.drivers.embedded_catalog.services import deregister
from handshake.drivers.embedded_catalog.sessions import read_sessions, start_ttl


def start_deadlines(change: Change) -> None:
    """Give everything that may expire its full time, as at the start of the process."""
    for session in read_sessions(change.db):
        start_ttl(change, session)
    for check in read_checks(change.db):
        start_timers(change, check)


def expire(change: Change) -> list[str]:
    """Carry out every deadline that has passed; return one sentence for each."""
    return [_carry_out(change, timer, name) for timer, name in change.deadlines.take_due(change.now)]


def _carry_out(change: Change, timer: Timer, name: str) -> str:
    match timer:
        case Timer.SESSION:
            end_session(change, name)
            return f"session {name} ended: not renewed within its TTL"
        case Timer.CHECK:
            lapse(change, name)
            return f"check {name} is critical: no report within its TTL"
        case Timer.CRITICAL:
            return _deregister(change, name)
        case Timer.LOCK_DELAY:
            return f"lock-delay of key {name} is over"


def _deregister(change: Change, check_id: str) -> str:
    check = read_check(change.db, check_id)
    if check is None:
        return f"check {check_id} is gone already"
    deregister(change, check.service_id)
    return f"service {check.service_id} deregistered: check {check_id} critical for too long"
