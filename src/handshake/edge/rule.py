"""A rule of the policy, read and checked."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.problem import Location
from handshake.edge.actions import Action
from handshake.edge.expression import Expression, Reads
from handshake.edge.phase import Phase


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One condition and its action."""

    name: str
    phase: Phase
    text: str
    """The condition as it was written."""
    condition: Expression
    action: Action
    where: Location
    reads: tuple[Reads, ...] = ()
    """What the action reads: whom a limit counts, what a cache tells apart."""

    @property
    def word(self) -> str:
        """The name in letters, digits and `_`: rules' names hold no `_`, so different names stay different."""
        return self.name.replace("-", "_")

    @property
    def because(self) -> str:
        """The comment above everything that is compiled from this rule."""
        return f"{self.where.file}:{self.where.line} {self.name}"
