"""What the gateways' acks say about each member of a pool."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.catalog.endpoint import Endpoint, Endpoints, Traffic
from handshake.control.acks import concerned_places, pool_subject
from handshake.core.ack import Ack, is_served


@dataclass(frozen=True, kw_only=True)
class PoolView:
    """One service's endpoints and how far every gateway has followed them."""

    endpoints: Endpoints
    acks: tuple[Ack, ...]
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
        own = tuple(ack for ack in self.acks if ack.subject == subject)
        return is_served(endpoint.revision, own, concerned_places(subject, self.nodes))
