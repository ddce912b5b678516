"""Fastly: the service, and the leader's part of it.

Imports are local: 20 ms here and 200 ms for its client would delay every ban.
"""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING

from handshake.compose.live_data import LiveDataParts
from handshake.core.errors import RefusedError
from handshake.pointers.acks import FASTLY, AckWriter

if TYPE_CHECKING:
    from handshake.edge.fastly.live_data import FastlyData
    from handshake.edge.fastly.plan import FastlyPlanner
    from handshake.edge.fastly.reconcile import FastlyEdge
    from handshake.edge.fastly.service import FastlyService
    from handshake.edge.fastly.settings import FastlySettings


def compose_fastly_edge(live_data: LiveDataParts) -> FastlyEdge:
    """Return the reconciler of the service."""
    from handshake.edge.fastly.reconcile import FastlyEdge, FastlyPurges  # noqa: PLC0415 -- see above

    acks = _compose_acks(live_data)
    return FastlyEdge(
        acks=acks,
        clock=live_data.clock,
        data=_compose_data(live_data, acks),
        purges=FastlyPurges(catalog=live_data.catalog, clock=live_data.clock, acks=acks),
        connect=partial(_connect, live_data),
    )


def compose_fastly_planner(live_data: LiveDataParts) -> FastlyPlanner:
    """Return the planner of changes to the service."""
    from handshake.edge.fastly.plan import FastlyPlanner  # noqa: PLC0415 -- see above

    data = _compose_data(live_data, _compose_acks(live_data))
    return FastlyPlanner(data=data, connect=partial(_connect, live_data))


def _connect(live_data: LiveDataParts, settings: FastlySettings) -> FastlyService:
    """Return the service that the settings name; raise RefusedError if its token is missing."""
    from handshake.drivers.fastly.account import FastlyAccount  # noqa: PLC0415 -- see above
    from handshake.drivers.fastly.service import FastlyApiService  # noqa: PLC0415 -- see above

    if not live_data.secrets.has(settings.token):
        raise RefusedError(
            "Fastly's API token is missing",
            hint=f"Write it into {live_data.paths.secrets / settings.token}, with mode 0600.",
        )
    token = live_data.secrets.read(settings.token).strip()
    account = FastlyAccount(api=settings.api, token=token, clock=live_data.clock)
    return FastlyApiService(account, settings.service_id)


def _compose_acks(live_data: LiveDataParts) -> AckWriter:
    return AckWriter(live_data.catalog, live_data.clock, FASTLY)


def _compose_data(live_data: LiveDataParts, acks: AckWriter) -> FastlyData:
    from handshake.edge.fastly.live_data import FastlyData  # noqa: PLC0415 -- see above
    from handshake.edge.lists.reader import ListReader  # noqa: PLC0415 -- see above

    return FastlyData(
        catalog=live_data.catalog,
        clock=live_data.clock,
        acks=acks,
        lists=ListReader(live_data.catalog, live_data.list_snapshots),
        read_seal_key=lambda: base64.b64encode(live_data.secrets.read("decoy").encode()).decode(),
    )
