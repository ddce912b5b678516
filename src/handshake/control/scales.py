"""How many instances a service shall have: the number of the autoscaler, or that of a person, which wins."""

from __future__ import annotations

from dataclasses import dataclass, replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Operation, Put
from handshake.catalog.keys import scale_key
from handshake.control.campaign import CampaignSettings, ServiceSettings
from handshake.control.journal import journal_write
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.fleet.scaling import AUTOSCALER, Scale


def read_scale(catalog: Catalog, service: str) -> tuple[Scale | None, int]:
    """Return a service's record with its index; None and 0 where nobody ever said a number."""
    entry = catalog.get(scale_key(service))
    return (decode(Scale, entry.value), entry.index) if entry else (None, 0)


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Somebody's say in how many instances there are. Works with the control plane dead."""

    who: str
    catalog: Catalog
    clock: Clock

    def hold(
        self, campaign: CampaignSettings, service: str, count: int, *, reason: str, seconds: float | None
    ) -> Scale:
        """Ask for a number of instances, for a time or for good; it wins over the autoscaler's.

        RefusedError for an unknown service and for a number that the policy does not allow.
        """
        settings = _find(campaign, service)
        if not settings.floor <= count <= settings.ceiling:
            raise RefusedError(
                f"{service} has between {settings.floor} and {settings.ceiling} instances, not {count}",
                hint="Floor and ceiling are policy: change handshake.toml, then plan and apply.",
            )
        now = self.clock.now()
        until = None if seconds is None else now + seconds
        scale = Scale(service=service, wanted=count, owner=self.who, reason=reason, moved_at=now, until=until)
        _, index = read_scale(self.catalog, service)
        return self._write(scale, index, f"{service}: {count} instances: {reason}")

    def release(self, campaign: CampaignSettings, service: str, *, reason: str) -> Scale:
        """Let the autoscaler decide again, from the present number on. RefusedError where it does already."""
        _find(campaign, service)
        before, index = read_scale(self.catalog, service)
        if before is None or not before.is_held(self.clock.now()):
            raise RefusedError(f"nobody holds the number of {service}")
        scale = replace(before, owner=AUTOSCALER, until=None, reason=reason, moved_at=self.clock.now())
        return self._write(scale, index, f"{service}: the autoscaler decides again: {reason}")

    def _write(self, scale: Scale, index: int, told: str) -> Scale:
        put = Put(key=scale_key(scale.service), value=encode(scale), if_index=index)
        operations: list[Operation] = [put, journal_write(self.who, told, self.clock.now())]
        self.catalog.transact(operations)
        return scale


def _find(campaign: CampaignSettings, service: str) -> ServiceSettings:
    if service not in campaign.services:
        known = ", ".join(sorted(campaign.services))
        raise RefusedError(f"the policy names no service {service}", hint=f"It names {known}.")
    return campaign.services[service]
