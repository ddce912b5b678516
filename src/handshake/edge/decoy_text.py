"""Places in a decoy's texts that differ from answer to answer: `{uuid}`, `{hex:32}`, `{digits:8}`, `{now}`, `{body:amount}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What stands at a place."""

    UUID = "uuid"
    HEX = "hex"
    DIGITS = "digits"
    NOW = "now"
    BODY = "body"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place; equal places of one answer hold the same."""

    kind: Kind
    length: int = 0
    label: str = ""
    """Makes places of one kind differ; of the request's body, the field that is repeated."""


_LONGEST = {Kind.HEX: 64, Kind.DIGITS: 15}
_WORDS = "|".join(Kind)
_PLACE = re.compile(rf"\{{((?:{_WORDS})(?:[:][A-Za-z0-9_:]*)?)\}}")


def split_text(text: str) -> Iterator[str | Place]:
    """Yield what is written and the places, in order; ValueError says what is wrong with a place."""
    for number, part in enumerate(_PLACE.split(text)):
        if number % 2:
            yield _read(part)
        elif part:
            yield part


def find_places(texts: tuple[str, ...]) -> tuple[Place, ...]:
    """Return the different places of all texts."""
    parts = (part for text in texts for part in split_text(text))
    return tuple(dict.fromkeys(part for part in parts if isinstance(part, Place)))


def _read(words: str) -> Place:
    kind, *rest = words.split(":")
    match Kind(kind), rest:
        case Kind.NOW, []:
            return Place(kind=Kind.NOW)
        case Kind.UUID, [] | [str()]:
            return Place(kind=Kind.UUID, label="".join(rest))
        case Kind.BODY, [name] if name:
            return Place(kind=Kind.BODY, label=name)
        case (Kind.HEX | Kind.DIGITS) as its, [length, *label] if _fits(its, length) and len(label) <= 1:
            return Place(kind=its, length=int(length), label="".join(label))
        case _:
            raise ValueError(f"{{{words}}} is no place of a decoy")


def _fits(kind: Kind, length: str) -> bool:
    return length.isdecimal() and 1 <= int(length) <= _LONGEST[kind]


def show_text(text: str) -> str:
    """Return a text with an example at each place: for people, and where nothing can be filled in."""
    return "".join(part if isinstance(part, str) else _show(part) for part in split_text(text))


def _show(place: Place) -> str:
    match place.kind:
        case Kind.UUID:
            return "5c1f0e8f-2b7d-4a64-a0c9-b7e3d2f81a90"
        case Kind.HEX:
            return (_EXAMPLE * 2)[: place.length]
        case Kind.DIGITS:
            return "730518264907381"[: place.length]
        case Kind.NOW:
            return "2016-11-01T15:04:05"
        case Kind.BODY:
            return "500"


_EXAMPLE = "5c1f0e8f2b7d4a64a0c9b7e3d2f81a90"
