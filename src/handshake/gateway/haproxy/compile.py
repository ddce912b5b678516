"""Compiles a gateway policy into HAProxy's configuration."""

from __future__ import annotations

from handshake.gateway.haproxy.entrance import compile_entrance
from handshake.gateway.haproxy.pool import compile_pool
from handshake.gateway.haproxy.process import compile_defaults, compile_global
from handshake.gateway.policy import GatewayPolicy
from handshake.gateway.surroundings import Pool, Surroundings
from handshake.syntax.haproxy import Section


def compile_gateway(policy: GatewayPolicy, surroundings: Surroundings) -> tuple[Section, ...]:
    """Return the configuration: one entrance, and one pool for each service that the policy names."""
    pools = {pool.service: pool for pool in surroundings.pools}
    services = sorted({route.service for route in policy.route})
    return (
        compile_global(policy, surroundings),
        compile_defaults(),
        compile_entrance(policy, surroundings),
        *(compile_pool(pools.get(service, Pool(service=service))) for service in services),
    )
