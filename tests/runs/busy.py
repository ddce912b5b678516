"""Work that keeps every core busy while something else runs beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_FOR_EACH_CORE = 2
_SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))\n"
"""Ends by itself once whoever started it is gone."""


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep all cores busy until the block ends."""
    number = (os.cpu_count() or 1) * _FOR_EACH_CORE
    spinning = [subprocess.Popen((sys.executable, "-c", _SPIN)) for _ in range(number)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
