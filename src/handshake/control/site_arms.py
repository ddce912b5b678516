"""What the arms of a split have answered, counted from the door's access log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from handshake.control.access_log import AccessLog

_FAILED = 500
_ARMS = ("a", "b")


@dataclass(frozen=True, kw_only=True)
class ArmCount:
    """One arm of a site: `a` is the live release, `b` the other."""

    site: str
    arm: str
    requests: int
    failures: int
    """Statuses from 500 on."""


def count_arms(log: AccessLog, mounts: Mapping[str, str], after: float) -> tuple[ArmCount, ...]:
    """Return the counts of each site's arms since a moment; a log that is not there counts nothing."""
    requests, failures = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for arm, path, status in _read(log, after):
        for site, mount in mounts.items():
            if path.startswith(mount.rstrip("/") + "/"):
                requests[site, arm] += 1
                failures[site, arm] += status >= _FAILED
    return tuple(
        ArmCount(site=site, arm=arm, requests=requests[site, arm], failures=failures[site, arm])
        for site in mounts
        for arm in _ARMS
    )


def _read(log: AccessLog, after: float) -> Iterator[tuple[str, str, int]]:
    for line in log.lines(after):
        # Most lines are of no split: only the others are read.
        if b'"arm":"a"' in line or b'"arm":"b"' in line:
            record = json.loads(line)
            yield record["arm"], record["path"], int(record["status"])
