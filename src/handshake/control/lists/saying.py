"""What verbs say of an entry, given what was last said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from handshake.control.lists.word import FOREVER, OFF, Word
from handshake.edge.lists.escalation import step_seconds

Speak: TypeAlias = Callable[[Word, float], Word]
"""The last word on an entry, and now -> the next word."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants to be said."""

    what: str
    """One sentence."""
    author: str
    reason: str
    speak: Speak


def list_for(seconds: float | None) -> Speak:
    """Return what lists an entry for a time, or for good."""

    def speak(old: Word, now: float) -> Word:
        until = FOREVER if seconds is None else now + seconds
        return _follow(old, now, until=until, strikes=old.strikes + 1)

    return speak


def list_longer(old: Word, now: float) -> Word:
    """List an entry for longer than the last time."""
    return _follow(old, now, until=now + step_seconds(old.strikes), strikes=old.strikes + 1)


def unlist(old: Word, now: float) -> Word:
    """Say that an entry is not listed; its strikes stay."""
    return _follow(old, now, until=OFF, strikes=old.strikes)


def take_back(words: tuple[Word, ...]) -> Speak:
    """Return what puts entries back to what they were before these words."""
    before = {word.entry: word for word in words}

    def speak(old: Word, now: float) -> Word:
        word = before[old.entry]
        return _follow(old, now, until=word.before, strikes=word.strikes_before)

    return speak


def _follow(old: Word, now: float, *, until: float, strikes: int) -> Word:
    return Word(
        entry=old.entry,
        until=until,
        strikes=strikes,
        before=old.until if old.until > now else OFF,
        strikes_before=old.strikes,
    )
