"""Names -> drivers: the only place that knows which vendor does what. Everything here is put together, nothing decided."""

from handshake.wiring.leading import Leading
from handshake.wiring.machine import find_missing_programs, find_port_holder
from handshake.wiring.node import NodeParts
from handshake.wiring.verbs import Verbs

__all__ = ["Wiring", "find_missing_programs", "find_port_holder"]


class Wiring(Verbs, NodeParts, Leading):
    """One campaign's parts, put together from its house."""
