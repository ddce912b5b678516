"""Which releases are kept: those that are live, that somebody may want back, or that are too young to judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from handshake.core.digest import Digest
from handshake.core.pointer import Pointer
from handshake.core.release import Subject
from handshake.core.site_contract import DAY_SECONDS


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long what is no longer live is kept."""

    days: int = 30
    """After the site or service has moved on, or after it was made."""
    newest: int = 5
    """Releases of each subject that are kept however old they are."""

    @property
    def seconds(self) -> float:
        """The time in seconds."""
        return float(self.days * DAY_SECONDS)


def retain(
    histories: Mapping[Subject, tuple[Pointer, ...]],
    made_at: Mapping[Digest, float],
    retention: Retention,
    now: float,
    *,
    spans: Mapping[Subject, float],
) -> dict[Digest, str]:
    """Return the releases to keep, each with the reason; the first reason that holds is told.

    `histories` are every subject's pointers, newest first; `made_at` is when each release was last made;
    `spans` are the seconds of the subjects that have their own, of which the longer one counts.
    """
    kept: dict[Digest, str] = {}
    for subject, history in histories.items():
        seconds = max(retention.seconds, spans.get(subject, 0.0))
        for release, why in _wanted(subject, history, retention.newest, now - seconds):
            kept.setdefault(release, why)
    for release, at in made_at.items():
        if now - at < retention.seconds:
            kept.setdefault(release, f"made less than {retention.days} days ago")
    return kept


def _wanted(
    subject: Subject, history: tuple[Pointer, ...], newest: int, since: float
) -> Iterable[tuple[Digest, str]]:
    if not history:
        return
    live = history[0]
    yield live.release, f"{subject} is at it"
    if live.stable:
        yield live.stable, f"{subject} goes back to it"
    if live.before:
        yield live.before, f"{subject} shows it where no region has the live one"
    last = list(dict.fromkeys(pointer.release for pointer in history))[:newest]
    yield from ((release, f"one of the last {newest} of {subject}") for release in last)
    for newer, older in pairwise(history):
        if newer.moved_at > since:
            yield older.release, f"{subject} has left it a short while ago"
