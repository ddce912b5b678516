"""Fields and durations of requests, checked as they are taken, and why a request is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping


class RefusalError(Exception):
    """A request that changes nothing, with one sentence for its sender."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class MalformedError(RefusalError):
    """The request cannot be understood."""


class DeniedError(RefusalError):
    """The request carries no credential that allows it."""


class UnknownError(RefusalError):
    """The request names something that does not exist."""


class OversizedError(RefusalError):
    """The request carries more than the catalogue stores."""


class RolledBackError(RefusalError):
    """A transaction of which at least one operation failed; none was applied."""

    def __init__(self, failures: dict[int, str]) -> None:
        self.failures = failures
        """Sentence by position of the failed operation, counted from 0."""
        super().__init__("; ".join(failures.values()))


# Fields of a JSON body, each checked as it is taken. Names match in any case, as in Consul; null means absent.

UNSIGNED_64 = 2**64 - 1


class Fields:
    """One JSON object and where it stood, for the sentence of an error."""

    def __init__(self, content: object, *, where: str) -> None:
        if not isinstance(content, dict):
            raise MalformedError(f"{where} must be a JSON object")
        self._where = where
        self._content = {name.lower(): value for name, value in content.items() if value is not None}

    def has(self, name: str) -> bool:
        """Return whether the field is there."""
        return name.lower() in self._content

    def text(self, name: str, *, default: str = "") -> str:
        """Return a string."""
        value = self._content.get(name.lower(), default)
        if not _is_text(value):
            raise self._malformed(name, "a string")
        return str(value)

    def required_text(self, name: str) -> str:
        """Return a string that must not be empty."""
        value = self.text(name)
        if not value:
            raise self._malformed(name, "given and not empty")
        return value

    def number(self, name: str, *, default: int = 0, most: int = UNSIGNED_64) -> int:
        """Return a whole number from 0 to `most`."""
        value = self._content.get(name.lower(), default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise self._malformed(name, f"a whole number from 0 to {most}")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean; absent is false."""
        value = self._content.get(name.lower(), False)
        if not isinstance(value, bool):
            raise self._malformed(name, "true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings; absent is empty."""
        value = self._content.get(name.lower(), [])
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            raise self._malformed(name, "a list of strings")
        return tuple(value)

    def mapping(self, name: str) -> dict[str, str]:
        """Return an object whose values are strings; absent is empty."""
        value = self._content.get(name.lower(), {})
        if not isinstance(value, dict) or not all(
            _is_text(key) and _is_text(text) for key, text in value.items()
        ):
            raise self._malformed(name, "an object whose values are strings")
        return dict(value)

    def inner(self, name: str) -> Fields:
        """Return an object inside this one; absent is empty."""
        return Fields(self._content.get(name.lower(), {}), where=f"{self._where}.{name}")

    def several(self, name: str) -> list[Fields]:
        """Return a list of objects; absent is empty."""
        value = self._content.get(name.lower(), [])
        if not isinstance(value, list):
            raise self._malformed(name, "a list of objects")
        return [
            Fields(item, where=f"{self._where}.{name}[{position}]") for position, item in enumerate(value)
        ]

    def raw(self, name: str) -> object:
        """Return whatever stands there; absent is the empty string."""
        return self._content.get(name.lower(), "")

    def _malformed(self, name: str, expected: str) -> MalformedError:
        return MalformedError(f"{self._where}: {name} must be {expected}")


def parse_json(body: bytes) -> object:
    """Return the content of a body; no body is an empty object."""
    try:
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"Request decode failed: {error}") from error


def parse_unsigned(parameters: Mapping[str, str], name: str) -> int:
    """Return a query parameter that is an unsigned 64-bit number; absent or empty is 0."""
    text = parameters.get(name) or "0"
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(UNSIGNED_64))
    if not is_number or int(text) > UNSIGNED_64:
        raise MalformedError(f"Invalid {name} {text!r}: it must be a whole number from 0 to {UNSIGNED_64}")
    return int(text)


def _is_text(value: object) -> bool:
    """Return whether the value is a string of real characters: JSON can escape one half of a surrogate pair."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# Durations in the notation of Go: `10s`, `1m30s`, `250ms`.

_SECONDS_PER_UNIT = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = 1_000_000_000


def parse_duration(text: str, *, name: str) -> float:
    """Return the seconds that `text` means; `name` tells the sender which field is wrong."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise MalformedError(f"{name} {text!r} is not a duration such as '10s', '1m30s' or '250ms'")
    return sum(float(number) * _SECONDS_PER_UNIT[unit] for number, unit in parts)


def nanoseconds(seconds: float) -> int:
    """Return a duration as Consul prints it in JSON."""
    return round(seconds * _NANOSECONDS)
