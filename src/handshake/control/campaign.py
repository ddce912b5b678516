"""What an operator writes in handshake.toml: the house's name, its parts, and where they listen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from handshake.config.settings import Settings
from handshake.control.address import Address
from handshake.control.campaign_head import CampaignHead, Name
from handshake.control.fastly_settings import FastlySettings
from handshake.control.region_settings import RegionSettings
from handshake.fleet.freeze import Calendar, Window, parse_dates, parse_weekly, parse_zone
from handshake.fleet.scaling import Targets
from handshake.fleet.strategy import Strategy

_MOUNT = re.compile(r"/|(/[a-z0-9][a-z0-9._-]*)+")


def _mount(text: str) -> str:
    if not _MOUNT.fullmatch(text):
        raise ValueError(
            f"{text!r} is no mount: write / or a path such as /calls, without a slash at its end"
        )
    return text


def _weekly(text: str) -> str:
    parse_weekly(text)
    return text


def _dates(text: str) -> str:
    parse_dates(text)
    return text


Mount = Annotated[str, AfterValidator(_mount)]
PagePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$")]
Zone = Annotated[str, AfterValidator(parse_zone)]


class ListenSettings(Settings):
    """Where the house listens; loopback unless the operator says otherwise."""

    door: Address = Field(default="127.0.0.1:8080", description="Where visitors arrive.")
    dashboard: Address = Field(default="127.0.0.1:8090", description="The dashboard, for operators.")
    catalog: Address = Field(default="127.0.0.1:8500", description="The embedded catalogue.")
    agent: Address = Field(default="127.0.0.1:8091", description="The node agent's health answers.")


class TlsSettings(Settings):
    """`[tls]`: HTTPS at the door, HTTP/1.1 and HTTP/2."""

    listen: Address = Field(description="Where visitors arrive over TLS.")
    certificates: str = Field(
        default="",
        description="A folder of PEM files (`*.pem`), each with a certificate, its chain and its key, relative to "
        "handshake.toml; a changed one is served within seconds. Empty: one that is self-signed.",
    )
    acme: Address | None = Field(
        default=None,
        description="Where an ACME client answers challenges; the door sends it `/.well-known/acme-challenge/`.",
    )


class StoreSettings(Settings):
    """A Redis that the house starts, supervises and restarts in place."""

    listen: Address = Field(description="Where the store listens.")
    durable: bool = Field(
        default=False,
        description="true: every write is on disk before it is answered and nothing is evicted (donations); "
        "false: disposable, rebuilt from its source.",
    )
    seed: str = Field(
        default="", description="A folder of JSON documents that fills the store at the first start."
    )


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


class TemplatesSettings(Settings):
    """The templates that a renderer renders with."""

    source: str = Field(description="The folder that holds templates.toml and the templates.")


class SiteSettings(Settings):
    """One static frontend."""

    source: str = Field(description="The folder that holds the site's source and its site.toml.")
    mount: Mount = Field(description="The path at which the site lives.")


class CopySettings(Settings):
    """Pages that are kept as files, for when everything that renders them is gone."""

    pages: tuple[PagePath, ...] = Field(
        default=(), description="Paths of the pages, such as `/`; empty: there is no copy."
    )
    every_hours: float = Field(default=24.0, gt=0, description="How often the copy is made.")


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


class TelemetrySettings(Settings):
    """Where measurements go."""

    dogstatsd: Address = Field(default="127.0.0.1:8125", description="A DogStatsD listener (UDP).")


class CampaignSettings(CampaignHead):
    """handshake.toml."""

    countries: str = Field(
        default="",
        description="A file in MaxMind's format (`.mmdb`), or a folder with the files `geoip` and `geoip6` of "
        "Debian's tor-geoipdb, relative to this file; empty: every client's country is unknown.",
    )
    networks: str = Field(
        default="",
        description="A file in MaxMind's format (`.mmdb`) that names autonomous systems, relative to this file; "
        "empty: every client's network is 0.",
    )
    listen: ListenSettings = Field(default_factory=ListenSettings, description="Addresses.")
    tls: TlsSettings | None = Field(default=None, description="HTTPS at the door; absent: HTTP alone.")
    regions: dict[Name, RegionSettings] = Field(
        min_length=1, description="The object store's regions, the preferred one first."
    )
    stores: dict[Name, StoreSettings] = Field(default_factory=dict, description="The stores.")
    services: dict[Name, ServiceSettings] = Field(default_factory=dict, description="The services.")
    templates: dict[Name, TemplatesSettings] = Field(default_factory=dict, description="The templates.")
    sites: dict[Name, SiteSettings] = Field(default_factory=dict, description="The sites.")
    fallback_copy: CopySettings = Field(
        default_factory=CopySettings, description="Pages that are kept as files."
    )
    fastly: FastlySettings | None = Field(
        default=None, description="The service at Fastly; absent: visitors come to the door."
    )
    freeze: FreezeSettings = Field(default_factory=FreezeSettings, description="The freeze calendar.")
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings, description="Telemetry.")

    @property
    def mounts(self) -> tuple[str, ...]:
        """The paths at which sites live."""
        return tuple(site.mount for site in self.sites.values())


def listening(campaign: CampaignSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every address on which the house listens: where in handshake.toml it stands, and itself."""
    for name, address in campaign.listen:
        yield ("listen", name), address
    if campaign.tls:
        yield ("tls", "listen"), campaign.tls.listen
    for name, region in campaign.regions.items():
        if region.listen:
            yield ("regions", name, "listen"), region.listen
    for name, store in campaign.stores.items():
        yield ("stores", name, "listen"), store.listen
