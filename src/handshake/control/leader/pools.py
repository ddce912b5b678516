"""The pools: every service's endpoints, and what the gateways' acks say about each member."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.endpoint import Endpoint, Endpoints, Traffic
from handshake.control.acks import concerned_places, pool_subject
from handshake.core.ack import Ack, is_served


@dataclass(frozen=True, kw_only=True)
class PoolView:
    """One service's endpoints and how far every gateway has followed them."""

    endpoints: Endpoints
    acks: tuple[Ack, ...]
    """Of this pool."""
    nodes: tuple[str, ...]

    def is_in(self, instance: str) -> bool:
        """Whether every gateway has acknowledged a pool that holds the instance open."""
        endpoint = self._find(instance)
        return endpoint is not None and endpoint.traffic is Traffic.OPEN and self._is_followed(endpoint)

    def is_out(self, instance: str) -> bool:
        """Whether every gateway has acknowledged a pool without the instance, its last request ended."""
        endpoint = self._find(instance)
        return endpoint is None or (endpoint.traffic is Traffic.DRAINING and self._is_followed(endpoint))

    def _find(self, instance: str) -> Endpoint | None:
        return next((known for known in self.endpoints.endpoints if known.id == instance), None)

    def _is_followed(self, endpoint: Endpoint) -> bool:
        subject = pool_subject(endpoint.service)
        return is_served(endpoint.revision, self.acks, concerned_places(subject, self.nodes))


class Pools:
    """Every service's endpoints, asked for again only once some endpoint has changed.

    A leader of a hundred services asks the catalogue one question in a cycle at rest, not a hundred.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._index = 0
        self._known: dict[str, Endpoints] = {}

    def refresh(self) -> None:
        """Forget what is not so any more; all of it where the catalogue does not answer."""
        known, self._known = self._known, {}
        index = self._catalog.endpoints_index()
        if index == self._index:
            self._known = known
        self._index = index

    def endpoints(self, service: str) -> Endpoints:
        """Return a service's endpoints, as they were at the last `refresh` or later."""
        if service not in self._known:
            self._known[service] = self._catalog.endpoints(service)
        return self._known[service]
