"""engine, a hundred services, replacements under load, bakes beside buildah."""

from __future__ import annotations

from bakes import measure_bakes
from crowd import measure_crowd
from frame import report
from plans import measure_plans
from replacements import measure_replacements


def main() -> None:
    """Measure one part after the other; the crowd first, since its memory is counted above the program's own."""
    report("fleets", (*measure_crowd(), *measure_plans(), *measure_replacements(), *measure_bakes()))


if __name__ == "__main__":
    main()
