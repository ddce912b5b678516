"""the rollout engine's speed and growth, replacements under load, a hundred services, a bake against buildah."""

from __future__ import annotations

from frame import report
from plans import measure_plans


def main() -> None:
    """Measure the parts one after the other: each has the machine to itself."""
    report("fleets", tuple(measure_plans()))


if __name__ == "__main__":
    main()
