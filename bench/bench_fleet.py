"""engine, a hundred services in memory and with real instances, replacements under load, bakes beside buildah."""

from __future__ import annotations

from bakes import measure_bakes
from crowd import measure_crowd
from frame import report
from hundred import measure_hundred
from plans import measure_plans
from replacements import measure_replacements


def main() -> None:
    """Measure one part after the other; the crowd first, since its memory is counted above the program's own."""
    parts = (measure_crowd, measure_hundred, measure_plans, measure_replacements, measure_bakes)
    report("fleets", tuple(measure for part in parts for measure in part()))


if __name__ == "__main__":
    main()
