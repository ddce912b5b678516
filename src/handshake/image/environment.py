"""The environment that a node gives an instance."""

from __future__ import annotations

from handshake.core.instance import Generation
from handshake.image.contract import Contract


def instance_environment(
    contract: Contract, *, service: str, instance: str, generation: Generation, port: int
) -> dict[str, str]:
    """Return every variable of an instance: what its contract says and who, where and what it is."""
    environment = {
        **contract.environment,
        "PORT": str(port),
        "HANDSHAKE_SERVICE": service,
        "HANDSHAKE_INSTANCE": instance,
        "HANDSHAKE_IMAGE": str(generation.image),
    }
    if generation.templates:
        environment["HANDSHAKE_TEMPLATES"] = "/templates"
        environment["HANDSHAKE_TEMPLATES_RELEASE"] = str(generation.templates)
    return environment
