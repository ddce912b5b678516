"""The settings of Fastly: `[fastly]` in handshake.toml."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from handshake.config.settings import Settings
from handshake.edge.fastly.compile.target import DEFAULT_CAPACITY, HIGHEST_CAPACITY, FastlyTarget
from handshake.edge.fastly.service import Origin

ServiceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{8,40}$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$")]
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
Site = Annotated[str, StringConstraints(pattern=r"^([a-z]{3,4}-[a-z]{2,4}-[a-z]{2})?$")]

_MOST_SHARDS = 10


class FastlySettings(Settings):
    """`[fastly]`: the Fastly service in front of the campaign's own edge."""

    service_id: ServiceId = Field(description="The id of the Fastly service.")
    domain: HostName = Field(description="The domain name that visitors use.")
    origin: HostName = Field(
        description="The host name of the campaign's own ingress, which needs a certificate for it."
    )
    origin_port: int = Field(default=443, ge=1, le=65535, description="The port of the ingress.")
    origin_tls: bool = Field(default=True, description="Whether Fastly connects to the ingress with TLS.")
    shield: Site = Field(
        default="",
        description="The Fastly site that fetches for all others, such as `iad-va-us`. Empty: none.",
    )
    token: SecretName = Field(
        default="fastly-token", description="The name of the secret with the API token."
    )
    capacity: int = Field(
        default=DEFAULT_CAPACITY,
        ge=1,
        le=HIGHEST_CAPACITY,
        description="The account's limit of entries in one ACL or dictionary.",
    )
    shards: int = Field(
        default=1, ge=1, le=_MOST_SHARDS, description="The number of ACLs or dictionaries for each list."
    )
    api: str = Field(
        default="https://api.fastly.com",
        pattern=r"^https?://[^/]+$",
        description="The URL of Fastly's API.",
    )

    def target(self, mounts: Iterable[str]) -> FastlyTarget:
        """Return the limits, and where sites are, as the compiler reads them."""
        return FastlyTarget(capacity=self.capacity, shards=self.shards, mounts=tuple(sorted(mounts)))

    def backend(self) -> Origin:
        """Return the origin as the service has it."""
        return Origin(host=self.origin, port=self.origin_port, is_tls=self.origin_tls, shield=self.shield)
