"""Following a program's log: what was written since it was last looked at."""

from __future__ import annotations

from pathlib import Path

_MOST_BYTES = 1 << 24


class Following:
    """Reads whole lines from where the last reading ended; the first begins at the log's end."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = -1

    def __call__(self) -> tuple[bytes, ...]:
        """Return the new lines; none where there is no log. Beyond 16 MiB at once, the oldest are left out."""
        try:
            with self._log.open("rb") as log:
                end = log.seek(0, 2)
                begin = min(self._at, end) if self._at >= 0 else end
                log.seek(max(begin, end - _MOST_BYTES))
                text = log.read()
        except FileNotFoundError:
            self._at = 0
            return ()
        whole, _, rest = text.rpartition(b"\n")
        self._at = end - len(rest) if whole or text.endswith(b"\n") else begin
        return tuple(whole.splitlines())
