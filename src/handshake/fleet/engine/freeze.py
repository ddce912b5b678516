"""The freeze calendar: when no rollout may start, in the operators' own time zone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY = re.compile(r"([a-z]{3}) (\d\d):(\d\d) - ([a-z]{3}) (\d\d):(\d\d)")
_DATES = re.compile(r"(\d{4}-\d\d-\d\d) - (\d{4}-\d\d-\d\d)")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_LINKS = 400
"""How many consecutive windows are followed to the end of a freeze: more than a year of daily ones."""


@dataclass(frozen=True, kw_only=True)
class WeeklyWindow:
    """From one minute of the week to another, counted from Monday 00:00; it may span Sunday night."""

    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class DateWindow:
    """From one day to another, both frozen from midnight to midnight."""

    first: date
    last: date


Window = WeeklyWindow | DateWindow


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Windows in which no rollout starts."""

    zone: str
    """An IANA name, such as `America/Los_Angeles`."""
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A freeze in effect."""

    until: float
    """UTC, seconds since the epoch."""
    zone: str

    def __str__(self) -> str:
        local = datetime.fromtimestamp(self.until, ZoneInfo(self.zone))
        return f"until {local.astimezone(UTC):%Y-%m-%d %H:%MZ} ({local:%a %H:%M} in {self.zone})"


def find_freeze(calendar: Calendar, now: float) -> Freeze | None:
    """Return the freeze that holds now, None if none does; windows that touch or overlap are one."""
    until = now
    for _ in range(_LINKS):
        ends = _find_ends(calendar, until)
        if not ends:
            break
        until = max(ends)
    return Freeze(until=until, zone=calendar.zone) if until > now else None


def parse_weekly(text: str) -> WeeklyWindow:
    """Return `fri 16:00 - mon 08:00` as a window; ValueError if it is not valid."""
    found = _WEEKLY.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a valid weekly window: write fri 16:00 - mon 08:00")
    begin, end = _parse_minute(*found.groups()[:3]), _parse_minute(*found.groups()[3:])
    if begin == end % _WEEK:
        raise ValueError(f"{text!r} ends when it starts: a window cannot last a whole week")
    return WeeklyWindow(begin=begin, end=end)


def parse_dates(text: str) -> DateWindow:
    """Return `2026-12-23 - 2027-01-02` as a window; ValueError if it is not valid."""
    found = _DATES.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a valid range of days: write 2026-12-23 - 2027-01-02")
    window = DateWindow(first=date.fromisoformat(found[1]), last=date.fromisoformat(found[2]))
    if window.last < window.first:
        raise ValueError(f"{text!r} ends before it starts")
    return window


def parse_zone(text: str) -> str:
    """Return the name of a time zone that is known here; ValueError for any other."""
    try:
        return ZoneInfo(text).key
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{text!r} is not a valid time zone: write an IANA name, such as Europe/Berlin"
        ) from error


def _find_ends(calendar: Calendar, at: float) -> list[float]:
    zone = ZoneInfo(calendar.zone)
    local = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    ends = (_find_end(window, local) for window in calendar.windows)
    return [end.replace(tzinfo=zone).timestamp() for end in ends if end]


def _parse_minute(day: str, hour: str, minute: str) -> int:
    if day not in _DAYS:
        raise ValueError(f"{day!r} is not a day of the week: write one of {', '.join(_DAYS)}")
    of_day = int(hour) * 60 + int(minute)
    if int(minute) >= 60 or of_day > _DAY:  # noqa: PLR2004 -- minutes in an hour
        raise ValueError(f"{hour}:{minute} is not a valid time of day")
    return _DAYS.index(day) * _DAY + of_day


def _find_end(window: Window, naive: datetime) -> datetime | None:
    """Return the end of a window that a moment lies in, both as a local clock tells them."""
    match window:
        case DateWindow(first=first, last=last):
            after = datetime.combine(last, datetime.min.time()) + timedelta(days=1)
            return after if first <= naive.date() <= last else None
        case WeeklyWindow(begin=begin, end=end):
            monday = datetime.combine(naive.date() - timedelta(days=naive.weekday()), datetime.min.time())
            return _find_weekly_end(monday, naive, (begin, end if end > begin else end + _WEEK))


def _find_weekly_end(monday: datetime, naive: datetime, minutes: tuple[int, int]) -> datetime | None:
    begin, end = (timedelta(minutes=minute) for minute in minutes)
    runs: Iterable[datetime] = (monday - timedelta(weeks=1), monday)
    return next((start + end for start in runs if start + begin <= naive < start + end), None)
