"""Bringing a node's processes up and down."""

from __future__ import annotations

import sys
from collections.abc import Callable

from handshake.control.lifecycle import Lifecycle
from handshake.wiring.foundation import Foundation


class Starting(Foundation):
    """The campaign's own processes on this node."""

    def lifecycle(self) -> Lifecycle:
        """The campaign's own three processes."""
        return self._lifecycle(str(self.secrets.ensure_catalog()))

    def join(self, ask_agent: Callable[[str], None]) -> tuple[str, ...]:
        """Start this node's agent, which joins the campaign; return the names of what was started."""
        return self._lifecycle("").start(lambda: self.catalog, ask_agent)

    def _lifecycle(self, credentials: str) -> Lifecycle:
        return Lifecycle(
            self.house, self.supervision, self.clock, python=sys.executable, credentials=credentials
        )
