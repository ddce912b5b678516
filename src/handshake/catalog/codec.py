"""Converts typed values to and from the bytes in the catalogue: JSON, checked against the type when read."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Value = TypeVar("Value")


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object) -> bytes:
    """Return a frozen dataclass as JSON."""
    return _adapter(type(value)).dump_json(value)


def decode(kind: type[Value], text: bytes) -> Value:
    """Return the value that `encode` wrote; ValueError if the text does not fit the type."""
    try:
        decoded: Value = _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise ValueError(f"not a valid {kind.__name__}: {error}") from error
    return decoded
