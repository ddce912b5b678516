"""the rollout engine's speed and growth, replacements under load, a hundred services, a bake against buildah."""

from __future__ import annotations

from bakes import measure_bakes
from frame import report
from plans import measure_plans
from replacements import measure_replacements


def main() -> None:
    """Measure the parts one after the other: each has the machine to itself."""
    report("fleets", (*measure_plans(), *measure_replacements(), *measure_bakes()))


if __name__ == "__main__":
    main()
