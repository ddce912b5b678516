"""What lists hold."""

from __future__ import annotations

from enum import StrEnum


class ListKind(StrEnum):
    """What a list holds."""

    ADDRESS = "address"
    NETWORK = "network"
    TEXT = "text"
