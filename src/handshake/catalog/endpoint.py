"""Endpoints: the addresses of a service, in the catalogue's own service register."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """What an endpoint's check says; a lapsed one is critical by lapse, not by word."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


class Traffic(StrEnum):
    """What routers shall do with an endpoint."""

    OPEN = "open"
    DRAINING = "draining"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address of a service."""

    id: str
    """The instance's id."""
    service: str
    host: str
    port: int
    traffic: Traffic = Traffic.OPEN
    node: str = ""
    revision: int = 0
    """The catalogue's index when this endpoint last changed; 0 in an endpoint that is to be registered."""
    status: CheckStatus = CheckStatus.PASSING


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """All endpoints of one service at one index."""

    index: int
    endpoints: tuple[Endpoint, ...]
