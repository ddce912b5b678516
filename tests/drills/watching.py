"""What must hold in every second of a drill, written down while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from handshake.core.digest import Digest
from tests.support.world import SimulatedWorld


@dataclass
class Watch:
    """The worst and the most that was seen of one service."""

    world: SimulatedWorld
    service: str = "hamm"
    fewest: int = 1000
    """The fewest members that visitors were sent to."""
    most: int = 0
    """The most instances that ran at once."""
    seen: dict[Digest, int] = field(default_factory=dict)
    """The most instances that each image ran at once."""
    mixtures: set[frozenset[Digest]] = field(default_factory=set)
    """Which images ran side by side."""

    def __call__(self) -> None:
        """Look once."""
        images = [generation.image for generation in self.world.running(self.service).values()]
        self.fewest = min(self.fewest, self.world.serving(self.service))
        self.most = max(self.most, len(images))
        self.mixtures.add(frozenset(images))
        for image in images:
            self.seen[image] = max(self.seen.get(image, 0), images.count(image))


def replaced(before: Iterable[str], world: SimulatedWorld) -> int:
    """Return how many of these instances do not run any more."""
    return len(set(before) - world.running().keys())
