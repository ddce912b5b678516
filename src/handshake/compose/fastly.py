"""Fastly: the service, and the leader's part of it.

Imports are local: 20 ms here and 200 ms for its client would delay every ban.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from handshake.compose.foundation import Foundation
from handshake.core.errors import RefusedError
from handshake.pointers.acks import FASTLY, AckWriter

if TYPE_CHECKING:
    from handshake.edge.fastly.live_data import FastlyData
    from handshake.edge.fastly.plan import FastlyPlanner
    from handshake.edge.fastly.reconcile import FastlyEdge
    from handshake.edge.fastly.service import FastlyService
    from handshake.edge.fastly.settings import FastlySettings


class FastlyWiring(Foundation):
    """The edge at Fastly, put together."""

    def fastly_service(self, settings: FastlySettings) -> FastlyService:
        """Return the service that the settings name; RefusedError while its token is not here."""
        from handshake.drivers.fastly.account import FastlyAccount  # noqa: PLC0415 -- see above
        from handshake.drivers.fastly.service import FastlyApiService  # noqa: PLC0415 -- see above

        if not self.secrets.has(settings.token):
            raise RefusedError(
                "Fastly's API token is missing",
                hint=f"Write it into {self.paths.secrets / settings.token}, with mode 0600.",
            )
        token = self.secrets.read(settings.token).strip()
        account = FastlyAccount(api=settings.api, token=token, clock=self.clock)
        return FastlyApiService(account, settings.service_id)

    def fastly_edge(self) -> FastlyEdge:
        """Return what moves the service."""
        from handshake.edge.fastly.reconcile import FastlyEdge, FastlyPurges  # noqa: PLC0415 -- see above

        acks = AckWriter(self.catalog, self.clock, FASTLY)
        return FastlyEdge(
            acks=acks,
            clock=self.clock,
            data=self._fastly_data(acks),
            purges=FastlyPurges(catalog=self.catalog, clock=self.clock, acks=acks),
            connect=self.fastly_service,
        )

    def fastly_planner(self) -> FastlyPlanner:
        """Return who says what a policy would change there."""
        from handshake.edge.fastly.plan import FastlyPlanner  # noqa: PLC0415 -- see above

        acks = AckWriter(self.catalog, self.clock, FASTLY)
        return FastlyPlanner(data=self._fastly_data(acks), connect=self.fastly_service)

    def _fastly_data(self, acks: AckWriter) -> FastlyData:
        from handshake.edge.fastly.live_data import FastlyData  # noqa: PLC0415 -- see above
        from handshake.edge.lists.reader import ListReader  # noqa: PLC0415 -- see above

        return FastlyData(
            catalog=self.catalog,
            clock=self.clock,
            acks=acks,
            lists=ListReader(self.catalog, self.list_shelf),
            read_seal_key=lambda: base64.b64encode(self.secrets.read("decoy").encode()).decode(),
        )
