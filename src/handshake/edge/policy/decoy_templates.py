"""Placeholders in a decoy's texts that differ per response: `{uuid}`, `{hex:32}`, `{digits:8}`, `{now}`, `{body:amount}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """The kind of a placeholder."""

    UUID = "uuid"
    HEX = "hex"
    DIGITS = "digits"
    NOW = "now"
    BODY = "body"


@dataclass(frozen=True, kw_only=True)
class TemplateField:
    """One placeholder; equal placeholders in one response have the same value."""

    kind: FieldKind
    length: int = 0
    label: str = ""
    """Distinguishes placeholders of one kind; for the request's body, the field to repeat."""


_LONGEST = {FieldKind.HEX: 64, FieldKind.DIGITS: 15}
_WORDS = "|".join(FieldKind)
_PLACE = re.compile(rf"\{{((?:{_WORDS})(?:[:][A-Za-z0-9_:]*)?)\}}")


def split_text(text: str) -> Iterator[str | TemplateField]:
    """Yield literal texts and placeholders, in order; ValueError if a placeholder is not valid."""
    for number, part in enumerate(_PLACE.split(text)):
        if number % 2:
            yield _read(part)
        elif part:
            yield part


def find_places(texts: tuple[str, ...]) -> tuple[TemplateField, ...]:
    """Return the distinct placeholders of all texts."""
    parts = (part for text in texts for part in split_text(text))
    return tuple(dict.fromkeys(part for part in parts if isinstance(part, TemplateField)))


def _read(words: str) -> TemplateField:
    kind, *rest = words.split(":")
    match FieldKind(kind), rest:
        case FieldKind.NOW, []:
            return TemplateField(kind=FieldKind.NOW)
        case FieldKind.UUID, [] | [str()]:
            return TemplateField(kind=FieldKind.UUID, label="".join(rest))
        case FieldKind.BODY, [name] if name:
            return TemplateField(kind=FieldKind.BODY, label=name)
        case (FieldKind.HEX | FieldKind.DIGITS) as its, [length, *label] if (
            _fits(its, length) and len(label) <= 1
        ):
            return TemplateField(kind=its, length=int(length), label="".join(label))
        case _:
            raise ValueError(f"{{{words}}} is not a placeholder for decoys")


def _fits(kind: FieldKind, length: str) -> bool:
    return length.isdecimal() and 1 <= int(length) <= _LONGEST[kind]


def show_text(text: str) -> str:
    """Return a text with example values: for people, and where placeholders cannot be filled in."""
    return "".join(part if isinstance(part, str) else _show(part) for part in split_text(text))


def _show(place: TemplateField) -> str:
    match place.kind:
        case FieldKind.UUID:
            return "5c1f0e8f-2b7d-4a64-a0c9-b7e3d2f81a90"
        case FieldKind.HEX:
            return (_EXAMPLE * 2)[: place.length]
        case FieldKind.DIGITS:
            return "730518264907381"[: place.length]
        case FieldKind.NOW:
            return "2016-11-01T15:04:05"
        case FieldKind.BODY:
            return "500"


_EXAMPLE = "5c1f0e8f2b7d4a64a0c9b7e3d2f81a90"
