"""What is released and what places acknowledge: a kind and a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]|[a-z]")


class Kind(StrEnum):
    """The four kinds of release."""

    IMAGE = "image"
    SITE = "site"
    TEMPLATES = "templates"
    POLICY = "policy"


@dataclass(frozen=True, kw_only=True, order=True)
class Subject:
    """What a pointer belongs to and what places acknowledge: a kind and a name, written `kind/name`."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def parse_subject(text: str) -> Subject:
    """Return `kind/name` as a subject; raise ValueError if it is not valid."""
    kind, slash, name = text.partition("/")
    if not slash or kind not in list(Kind):
        raise ValueError(
            f"{text!r} is not a valid subject: write one of {', '.join(Kind)}, a slash and a name"
        )
    return Subject(kind=Kind(kind), name=parse_name(name))


def parse_name(text: str) -> str:
    """Return `text` if it is a valid name for a service, a site or a campaign: part of paths and host names."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a valid name: use 1 to 40 lower-case letters, digits and hyphens, beginning with a letter"
        )
    return text
