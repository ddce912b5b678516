"""What an operator writes in handshake.toml: the campaign's name, its parts, and where they listen."""

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
            f"{text!r} is no mount: write / or a path such as /calls, without a slash at its end"
        )
    return text


Mount = Annotated[str, AfterValidator(_mount)]


class ListenSettings(Settings):
    """Where the campaign listens; loopback unless the operator says otherwise."""

    ingress: Address = Field(default="127.0.0.1:8080", description="Where visitors arrive.")
    dashboard: Address = Field(default="127.0.0.1:8090", description="The dashboard, for operators.")
    catalog: Address = Field(default="127.0.0.1:8500", description="The embedded catalogue.")
    agent: Address = Field(default="127.0.0.1:8091", description="The node agent's health answers.")


class TlsSettings(Settings):
    """`[tls]`: HTTPS at the ingress, HTTP/1.1 and HTTP/2."""

    listen: Address = Field(description="Where visitors arrive over TLS.")
    certificates: str = Field(
        default="",
        description="A folder of PEM files (`*.pem`), each with a certificate, its chain and its key, relative to "
        "handshake.toml; a changed one is served within seconds. Empty: one that is self-signed.",
    )
    acme: Address | None = Field(
        default=None,
        description="Where an ACME client answers challenges; the ingress sends it `/.well-known/acme-challenge/`.",
    )


class StoreSettings(Settings):
    """A Redis that the campaign starts, supervises and restarts in place."""

    listen: Address = Field(description="Where the store listens.")
    durable: bool = Field(
        default=False,
        description="true: every write is on disk before it is answered and nothing is evicted (donations); "
        "false: disposable, rebuilt from its source.",
    )
    seed: str = Field(
        default="", description="A folder of JSON documents that fills the store at the first start."
    )


class TemplatesSettings(Settings):
    """The templates that a renderer renders with."""

    source: str = Field(description="The folder that holds templates.toml and the templates.")


class CampaignSiteSettings(Settings):
    """One static frontend."""

    source: str = Field(description="The folder that holds the site's source and its site.toml.")
    mount: Mount = Field(description="The path at which the site lives.")


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
    tls: TlsSettings | None = Field(default=None, description="HTTPS at the ingress; absent: HTTP alone.")
    regions: dict[Name, RegionSettings] = Field(
        min_length=1, description="The object store's regions, the preferred one first."
    )
    stores: dict[Name, StoreSettings] = Field(default_factory=dict, description="The stores.")
    services: dict[Name, ServiceSettings] = Field(default_factory=dict, description="The services.")
    templates: dict[Name, TemplatesSettings] = Field(default_factory=dict, description="The templates.")
    sites: dict[Name, CampaignSiteSettings] = Field(default_factory=dict, description="The sites.")
    fallback_copy: CopySettings = Field(
        default_factory=CopySettings, description="Pages that are kept as files."
    )
    fastly: FastlySettings | None = Field(
        default=None, description="The service at Fastly; absent: visitors come to the ingress."
    )
    freeze: FreezeSettings = Field(default_factory=FreezeSettings, description="The freeze calendar.")
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings, description="Telemetry.")

    @property
    def mounts(self) -> tuple[str, ...]:
        """The paths at which sites live."""
        return tuple(site.mount for site in self.sites.values())


def listening(campaign: CampaignSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every address on which the campaign listens: where in handshake.toml it stands, and itself."""
    for name, address in campaign.listen:
        yield ("listen", name), address
    if campaign.tls:
        yield ("tls", "listen"), campaign.tls.listen
    for name, region in campaign.regions.items():
        if region.listen:
            yield ("regions", name, "listen"), region.listen
    for name, store in campaign.stores.items():
        yield ("stores", name, "listen"), store.listen
