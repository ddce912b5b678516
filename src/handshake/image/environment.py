"""The environment of an instance: the one place that says which variables it gets, whoever launches it."""

from __future__ import annotations

from handshake.core.instance import Assignment
from handshake.image.contract import Contract

TEMPLATES_INSIDE = "/templates"
"""Where an instance sees its template release."""


def instance_environment(
    contract: Contract, assignment: Assignment, *, host: str, port: int
) -> dict[str, str]:
    """Return every variable of an instance: what its contract says, and who, where and what it is."""
    generation = assignment.generation
    environment = {
        **contract.environment,
        "HOST": host,
        "PORT": str(port),
        "HANDSHAKE_SERVICE": assignment.service,
        "HANDSHAKE_INSTANCE": assignment.instance,
        "HANDSHAKE_IMAGE": str(generation.image),
    }
    if generation.templates:
        environment["HANDSHAKE_TEMPLATES"] = TEMPLATES_INSIDE
        environment["HANDSHAKE_TEMPLATES_RELEASE"] = str(generation.templates)
    return environment
