"""The contract of an image, as stored in its manifest: what the image promises and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

_STRICT = ConfigDict(extra="forbid", strict=False)


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class Health:
    """How an instance reports that it can serve."""

    path: str
    deadline_seconds: float
    """From the start to the first good answer."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class Idempotent:
    """A POST that has one effect however often it is sent with one key, and where its effects are counted."""

    path: str
    body: str
    """JSON."""
    header: str
    """Carries the key."""
    count_path: str
    count: str
    """Where the number is in the JSON answer of `count_path`: a JSON pointer."""


@with_config(_STRICT)
@dataclass(frozen=True, kw_only=True)
class Contract:
    """Everything that a node must know to run an image's instances."""

    command: tuple[str, ...]
    health: Health
    environment: dict[str, str] = field(default_factory=dict)
    stores: tuple[str, ...] = ()
    templates: str = ""
    """The templates that it serves; empty for none."""
    drain_seconds: float
    memory_megabytes: int
    reads: tuple[str, ...] = ()
    """GETs that any two instances answer alike."""
    idempotent: tuple[Idempotent, ...] = ()


_ADAPTER = TypeAdapter(Contract)


def print_contract(contract: Contract) -> dict[str, object]:
    """Return the contract as plain JSON values, for a manifest."""
    printed: dict[str, object] = _ADAPTER.dump_python(contract, mode="json")
    return printed


def parse_contract(value: dict[str, Any]) -> Contract:
    """Return the contract that `print_contract` wrote; ValueError says where the values are none."""
    try:
        return _ADAPTER.validate_python(value)
    except ValidationError as error:
        raise ValueError(f"not a valid image contract: {error}") from error
