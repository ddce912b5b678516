"""Who asks, for the journal."""

from __future__ import annotations

import getpass
import os


def who_asks() -> str:
    """Return the person behind the verb, for the journal: under sudo, the one who called it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
