"""The health check of slide 41: `/health-elb` asks whether an instance is, and serves, the releases of today.

An error of the catalogue never makes an instance ill: it is counted and logged, and the plain check decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.core.digest import Digest, canonical_json
from handshake.fleet.instance import Evidence

HEALTH = "/health"
HEALTH_ELB = "/health-elb"
CONSUL_ERROR = "sos-template-deploy.consul-error"
_OK = 200
_UNAVAILABLE = 503


@dataclass(frozen=True, kw_only=True)
class Found:
    """The pointer was read."""

    release: Digest


@dataclass(frozen=True, kw_only=True)
class Missing:
    """There is no pointer yet (404): so it is before the first release."""


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """The catalogue did not say."""

    error: str


PointerRead = Found | Missing | Unreadable


class Level(StrEnum):
    """How loud a log line is."""

    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """What is written to the log."""

    level: Level
    text: str


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """What to ask the instance, and what to say about the catalogue meanwhile."""

    path: str
    counted: tuple[str, ...] = ()
    """Counters to increase by one."""
    log: tuple[LogLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HealthResponse:
    """What the load balancer is told."""

    status: int
    body: bytes = b""
    """Empty, or JSON with the reason."""
    log: tuple[LogLine, ...] = ()


def choose_check(pointer: PointerRead) -> HealthCheck:
    """Return what `/health-elb` asks the instance, from what reading the templates pointer gave."""
    match pointer:
        case Found(release=release):
            return HealthCheck(path=f"{HEALTH}?templateRelease={release}")
        case Missing():
            text = "Skipping templateRelease health check since consul is empty"
            return HealthCheck(path=HEALTH, log=(LogLine(level=Level.WARN, text=text),))
        case Unreadable(error=error):
            text = f"Error reading data from consul: {error}"
            return HealthCheck(
                path=HEALTH, counted=(CONSUL_ERROR,), log=(LogLine(level=Level.ERROR, text=text),)
            )


def find_stale(image: Digest) -> HealthResponse:
    """Return what is told of an instance whose image is not the live one any more."""
    text = f"Health check failed : image {image} is not live any more"
    return HealthResponse(
        status=_UNAVAILABLE,
        body=canonical_json({"reason": text}),
        log=(LogLine(level=Level.WARN, text=text),),
    )


def answer_check(probe: Evidence) -> HealthResponse:
    """Return what the instance's answer means: 200, or 503 with the reason."""
    if probe.status == _OK:
        return HealthResponse(status=_OK)
    status = f"{probe.status} " if probe.status else ""
    text = f"Health check failed : {status}{probe.body}".rstrip()
    return HealthResponse(
        status=_UNAVAILABLE,
        body=canonical_json({"reason": text}),
        log=(LogLine(level=Level.ERROR, text=text),),
    )
