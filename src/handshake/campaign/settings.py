"""The settings in handshake.toml: the campaign's name, its parts, and their addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from handshake.config.campaign_head import CampaignHead, Name
from handshake.config.settings import Address, Settings
from handshake.edge.fastly.settings import FastlySettings
from handshake.fleet.settings import FreezeSettings, ServiceSettings
from handshake.release.regions import RegionSettings
from handshake.site.copy.schedule import CopySettings

_MOUNT = re.compile(r"/|(/[a-z0-9][a-z0-9._-]*)+")


def _mount(text: str) -> str:
    if not _MOUNT.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a valid mount: write / or a path such as /calls, without a trailing slash"
        )
    return text


Mount = Annotated[str, AfterValidator(_mount)]


class ListenSettings(Settings):
    """Where the campaign listens; loopback addresses by default."""

    ingress: Address = Field(default="127.0.0.1:8080", description="The address for visitors (HTTP).")
    dashboard: Address = Field(
        default="127.0.0.1:8090", description="The address of the dashboard, for operators."
    )
    catalog: Address = Field(default="127.0.0.1:8500", description="The address of the embedded catalogue.")
    agent: Address = Field(
        default="127.0.0.1:8091", description="The address of the node agent's health endpoint."
    )


class TlsSettings(Settings):
    """`[tls]`: HTTPS at the ingress, with HTTP/1.1 and HTTP/2."""

    listen: Address = Field(description="The address for visitors (HTTPS).")
    certificates: str = Field(
        default="",
        description="A folder of PEM files (`*.pem`), each with a certificate, its chain and its key, relative to "
        "handshake.toml. Changes are picked up within seconds. Empty: a self-signed certificate.",
    )
    acme: Address | None = Field(
        default=None,
        description="The address of an ACME client; the ingress forwards `/.well-known/acme-challenge/` to it.",
    )


class StoreSettings(Settings):
    """A Redis that the campaign starts, supervises and restarts in place."""

    listen: Address = Field(description="The address of the store.")
    durable: bool = Field(
        default=False,
        description="true: every write is on disk before it is acknowledged and nothing is evicted (donations); "
        "false: disposable, rebuilt from its source.",
    )
    seed: str = Field(
        default="", description="A folder of JSON documents, loaded into the store at the first start."
    )


class TemplatesSettings(Settings):
    """The templates of a renderer."""

    source: str = Field(description="The folder with templates.toml and the templates.")


class CampaignSiteSettings(Settings):
    """One static frontend."""

    source: str = Field(description="The folder with the site's source and its site.toml.")
    mount: Mount = Field(description="The URL path of the site.")


class TelemetrySettings(Settings):
    """The destination of metrics."""

    dogstatsd: Address = Field(default="127.0.0.1:8125", description="A DogStatsD listener (UDP).")


class CampaignSettings(CampaignHead):
    """handshake.toml."""

    countries: str = Field(
        default="",
        description="A file in MaxMind's format (`.mmdb`), or a folder with the files `geoip` and `geoip6` of "
        "Debian's tor-geoipdb, relative to this file. Empty: every client's country is unknown.",
    )
    networks: str = Field(
        default="",
        description="A file in MaxMind's format (`.mmdb`) with AS numbers, relative to this file. "
        "Empty: every client's AS number is 0.",
    )
    listen: ListenSettings = Field(default_factory=ListenSettings, description="Addresses.")
    tls: TlsSettings | None = Field(default=None, description="HTTPS at the ingress. Absent: HTTP only.")
    regions: dict[Name, RegionSettings] = Field(
        min_length=1, description="The object store's regions, in order of preference."
    )
    stores: dict[Name, StoreSettings] = Field(default_factory=dict, description="The stores.")
    services: dict[Name, ServiceSettings] = Field(default_factory=dict, description="The services.")
    templates: dict[Name, TemplatesSettings] = Field(default_factory=dict, description="The templates.")
    sites: dict[Name, CampaignSiteSettings] = Field(default_factory=dict, description="The sites.")
    fallback_copy: CopySettings = Field(
        default_factory=CopySettings, description="Pages that are kept as static files, for outages."
    )
    fastly: FastlySettings | None = Field(
        default=None, description="The Fastly service in front. Absent: visitors reach the ingress directly."
    )
    freeze: FreezeSettings = Field(default_factory=FreezeSettings, description="The freeze calendar.")
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings, description="Telemetry.")

    @property
    def mounts(self) -> tuple[str, ...]:
        """The paths at which sites are mounted."""
        return tuple(site.mount for site in self.sites.values())


def listening(campaign: CampaignSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every address on which the campaign listens, with its place in handshake.toml."""
    for name, address in campaign.listen:
        yield ("listen", name), address
    if campaign.tls:
        yield ("tls", "listen"), campaign.tls.listen
    for name, region in campaign.regions.items():
        if region.listen:
            yield ("regions", name, "listen"), region.listen
    for name, store in campaign.stores.items():
        yield ("stores", name, "listen"), store.listen
