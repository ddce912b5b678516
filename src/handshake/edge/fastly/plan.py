"""What a policy would change at Fastly: the difference of the version, and what will not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from handshake.core.errors import HandshakeError
from handshake.edge.fastly.compile.versions import describe_change, plan_version, want_version
from handshake.edge.fastly.live_data import FastlyData
from handshake.edge.fastly.service import FastlyService
from handshake.edge.fastly.settings import FastlySettings
from handshake.edge.live_policy import CampaignPolicy


class FastlyPlanner:
    """Compares a policy with the active version, and lists with their capacity."""

    def __init__(self, *, data: FastlyData, connect: Callable[[FastlySettings], FastlyService]) -> None:
        self._data = data
        self._connect = connect

    def plan(self, policy: CampaignPolicy) -> tuple[str, ...]:
        """Return the lines for people; none where there is no Fastly, one sentence where it does not answer."""
        settings = policy.campaign.fastly
        if settings is None:
            return ()
        return *self._compare(policy, settings), *self._measure(policy, settings)

    def _compare(self, policy: CampaignPolicy, settings: FastlySettings) -> tuple[str, ...]:
        target = settings.target(policy.campaign.mounts)
        wanted = want_version(policy.edge, target, origin=settings.backend(), domain=settings.domain)
        try:
            found = self._connect(settings).active()
        except HandshakeError as error:
            return (f"fastly: not compared: {error.what}; {error.hint or error.details}",)
        change = plan_version(found, wanted)
        return *describe_change(found, change), *(_name_sites(policy) if change.vcl else ())

    def _measure(self, policy: CampaignPolicy, settings: FastlySettings) -> Iterator[str]:
        target = settings.target(policy.campaign.mounts)
        for name, fit in self._data.measure(policy.edge, target).items():
            if fit.left_out:
                yield f"fastly: list {name}: {fit.describe()}"


def _name_sites(policy: CampaignPolicy) -> Iterator[str]:
    """Say what Fastly does not serve itself."""
    for name in sorted(policy.campaign.sites):
        yield f"fastly: site {name}: routed by the ingress; documents are revalidated there each time, assets are cached"
