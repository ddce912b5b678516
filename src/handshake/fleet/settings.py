"""The settings of a service's fleet: its limits, strategy, scaling, and freezes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from handshake.config.settings import Settings
from handshake.fleet.engine.freeze import Calendar, Window, parse_dates, parse_weekly, parse_zone
from handshake.fleet.engine.strategy import Strategy
from handshake.fleet.scaling import Targets


def _weekly(text: str) -> str:
    parse_weekly(text)
    return text


def _dates(text: str) -> str:
    parse_dates(text)
    return text


Zone = Annotated[str, AfterValidator(parse_zone)]


class ScalingSettings(Settings):
    """The target load of one instance. Without one, the number only changes with `handshake scale`."""

    requests_per_second_per_instance: float = Field(
        default=0.0, ge=0, description="Target requests per second of one instance. 0: not used."
    )
    cpu_share: float = Field(
        default=0.0, ge=0, description="Target share of one processor that one instance uses. 0: not used."
    )
    cooldown_seconds: float = Field(
        default=300.0,
        gt=0,
        description="How long fewer instances must have been enough before the fleet shrinks; "
        "steps up are a tenth of this apart.",
    )

    def targets(self) -> Targets:
        """Return the targets as the autoscaler reads them."""
        return Targets(
            requests_per_second=self.requests_per_second_per_instance,
            cpu_share=self.cpu_share,
            cooldown_seconds=self.cooldown_seconds,
        )


class ServiceSettings(Settings):
    """One service and the limits of its fleet."""

    source: str = Field(description="The folder with the service's source and its service.toml.")
    floor: int = Field(default=2, ge=1, description="The minimum number of instances.")
    ceiling: int = Field(
        default=4, ge=1, description="The maximum number of instances, not counting replacements."
    )
    max_parallel: int = Field(
        default=0,
        ge=0,
        description="How many instances are replaced at once. 0: one or a quarter, whichever is larger.",
    )
    soak_seconds: float = Field(
        default=10.0,
        ge=0,
        description="How long a new instance must be alive, ready and fresh before it counts.",
    )
    deadline_seconds: float = Field(
        default=300.0, gt=0, description="When to revert the pointer of a trial that has not passed."
    )
    drain_seconds: float = Field(
        default=30.0,
        ge=0,
        description="How long requests in flight may take before their instance is stopped.",
    )
    strategy: Strategy = Field(
        default=Strategy.ROLLING,
        description="How a release that passed its trial takes over: a few instances at a time, a whole fleet at once, "
        "or after a canary comparison.",
    )
    keep_warm_seconds: float = Field(
        default=600.0,
        ge=0,
        description="Blue-green: how long to keep the old fleet for an instant rollback. 0: not at all.",
    )
    canary_share: float = Field(
        default=0.1, gt=0, le=0.5, description="Canary: the share of the fleet to compare."
    )
    canary_requests: int = Field(
        default=500, ge=100, description="Canary: the number of requests that each side must answer."
    )
    canary_seconds: float = Field(default=60.0, ge=0, description="Canary: how long each side must serve.")
    scaling: ScalingSettings = Field(
        default_factory=ScalingSettings, description="How the fleet scales with its load."
    )


class FreezeSettings(Settings):
    """When no rollout of a service may start; rollbacks and forced moves are exempt."""

    zone: Zone = Field(default="UTC", description="The time zone of the windows, as an IANA name.")
    weekly: tuple[Annotated[str, AfterValidator(_weekly)], ...] = Field(
        default=(), description="Weekly windows, such as `fri 16:00 - mon 08:00`."
    )
    dates: tuple[Annotated[str, AfterValidator(_dates)], ...] = Field(
        default=(), description="Ranges of days, including the last day, such as `2026-12-23 - 2027-01-02`."
    )

    def calendar(self) -> Calendar:
        """Return the windows as the engine reads them."""
        windows: list[Window] = [*map(parse_weekly, self.weekly), *map(parse_dates, self.dates)]
        return Calendar(zone=self.zone, windows=tuple(windows))
