"""Load of one moment: what wrk counted on one address."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_THREADS = 1


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one run of wrk saw."""

    per_second: float
    p99_milliseconds: float


def run_wrk(url: str, *, connections: int = 32, seconds: int = 2) -> Load:
    """Ask for one URL as fast as it is answered; AssertionError where an answer was no 2xx or 3xx, or did not come."""
    command = ("wrk", f"-t{_THREADS}", f"-c{connections}", f"-d{seconds}s", "--latency", url)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise AssertionError(f"{url} did not answer every request:\n{said}")
    p99 = _find(r"99%\s+([\d.]+)(us|ms|s|m)\b", said)
    return Load(
        per_second=float(_find(r"Requests/sec:\s+([\d.]+)", said)[1]),
        p99_milliseconds=float(p99[1]) * _UNITS[p99[2]],
    )


def _find(pattern: str, said: str) -> re.Match[str]:
    found = re.search(pattern, said)
    if found is None:
        raise AssertionError(f"wrk printed no {pattern}:\n{said}")
    return found
