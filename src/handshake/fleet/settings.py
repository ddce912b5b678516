"""What an operator writes of a service's fleet: its limits, its strategy, its scaling, and when rollouts are frozen."""

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
    """What one instance shall carry; where nothing is said, the number changes by the verb alone."""

    requests_per_second_per_instance: float = Field(
        default=0.0, ge=0, description="Requests per second that one instance shall carry; 0: not asked."
    )
    cpu_share: float = Field(
        default=0.0, ge=0, description="The share of one processor that one instance shall use; 0: not asked."
    )
    cooldown_seconds: float = Field(
        default=300.0,
        gt=0,
        description="How long fewer instances must have been enough before there are fewer; "
        "a tenth of it lies between two steps to more.",
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

    source: str = Field(description="The folder that holds the service's source and its service.toml.")
    floor: int = Field(default=2, ge=1, description="The fewest instances.")
    ceiling: int = Field(default=4, ge=1, description="The most instances, replacements not counted.")
    max_parallel: int = Field(
        default=0,
        ge=0,
        description="How many instances are replaced at once; 0: one or a quarter, the larger.",
    )
    soak_seconds: float = Field(
        default=10.0, ge=0, description="How long a newcomer must be alive, ready and fresh before it counts."
    )
    deadline_seconds: float = Field(
        default=300.0, gt=0, description="When a trial that has not passed reverts its pointer."
    )
    drain_seconds: float = Field(
        default=30.0, ge=0, description="How long requests in flight may take before their instance stops."
    )
    strategy: Strategy = Field(
        default=Strategy.ROLLING,
        description="How what passed its trial takes over: a few at a time, a whole fleet at once, "
        "or after a comparison.",
    )
    keep_warm_seconds: float = Field(
        default=600.0,
        ge=0,
        description="Blue-green: how long the old fleet runs on for an instant way back; 0: not at all.",
    )
    canary_share: float = Field(
        default=0.1, gt=0, le=0.5, description="Canary: the share of the fleet that is compared."
    )
    canary_requests: int = Field(
        default=500, ge=100, description="Canary: how many requests each side must have answered."
    )
    canary_seconds: float = Field(
        default=60.0, ge=0, description="Canary: how long each side must have served."
    )
    scaling: ScalingSettings = Field(
        default_factory=ScalingSettings, description="How the fleet follows its load."
    )


class FreezeSettings(Settings):
    """When no rollout of a service begins; one that goes back always may, and so may one that is forced."""

    zone: Zone = Field(default="UTC", description="The time zone of the windows, by its IANA name.")
    weekly: tuple[Annotated[str, AfterValidator(_weekly)], ...] = Field(
        default=(), description="Windows of every week, such as `fri 16:00 - mon 08:00`."
    )
    dates: tuple[Annotated[str, AfterValidator(_dates)], ...] = Field(
        default=(), description="Days, the last one too, such as `2026-12-23 - 2027-01-02`."
    )

    def calendar(self) -> Calendar:
        """Return the windows as the engine reads them."""
        windows: list[Window] = [*map(parse_weekly, self.weekly), *map(parse_dates, self.dates)]
        return Calendar(zone=self.zone, windows=tuple(windows))
