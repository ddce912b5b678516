"""What a trial asks an instance, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, kw_only=True)
class Request:
    """A GET, or a POST where it has a body."""

    path: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST" if self.body else "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    """0 where no whole answer came."""
    body: str
    """The whole body, or why none came."""
    content_type: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- HTTP's own classes

    @property
    def is_lost(self) -> bool:
        """Whether no whole answer came, or one that admits a failure of the server."""
        return self.status == 0 or self.status >= 500  # noqa: PLR2004 -- HTTP's own classes

    def __str__(self) -> str:
        return f"{self.status or 'no answer'} {' '.join(self.body.split())[:_SHOWN_CHARACTERS]}".strip()


def read_object(answer: Answer) -> dict[str, Any]:
    """Return the JSON object that an answer carries; empty where it carries none."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def read_number(answer: Answer, pointer: str) -> float | None:
    """Return the number at a JSON pointer (RFC 6901) of an answer's body; None where none stands there."""
    try:
        value = json.loads(answer.body)
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError):
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
