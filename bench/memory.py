"""Memory by part: each page counted in shares among those who map it (PSS)."""

from __future__ import annotations

from pathlib import Path

from parts import processes_by_part


def memory_by_part(run: Path) -> dict[str, float]:
    """Return each part of a campaign and its MiB."""
    return {
        part: round(sum(map(_proportional_mebibytes, pids)), 1)
        for part, pids in processes_by_part(run).items()
    }


def _proportional_mebibytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
