"""An event that people can sign up for, as the committed file says it."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Event:
    """What, when, where, and for how many. Times carry their offset from UTC."""

    id: str
    title: str
    starts_at: str
    ends_at: str
    place: str
    capacity: int
    description: str


def read_events() -> dict[str, Event]:
    """Read all events, by id, the earliest first."""
    entries = json.loads(Path(__file__).with_name("events.json").read_text(encoding="utf-8"))
    events = sorted((Event(**entry) for entry in entries), key=lambda event: event.starts_at)
    return {event.id: event for event in events}
