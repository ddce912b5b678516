"""Names -> drivers: the only place that knows which vendor does what. Everything here is put together, nothing decided.

`Wiring` is what verbs act with. What one process alone needs stands apart, so that no verb imports it: the agent's parts
in `node`, the leader's in `leading`, the routers' in `routing`.
"""

from handshake.wiring.machine import find_missing_programs, find_port_holder
from handshake.wiring.starting import Starting
from handshake.wiring.verbs import Verbs

__all__ = ["Wiring", "find_missing_programs", "find_port_holder"]


class Wiring(Verbs, Starting):
    """One campaign's parts, put together from its house."""
