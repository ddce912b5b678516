"""What verbs act with, as a whole."""

from __future__ import annotations

from handshake.wiring.starting import Starting
from handshake.wiring.verbs import Verbs


class Wiring(Verbs, Starting):
    """One campaign's parts, put together from its house."""
