"""What a load in a process of its own writes."""

from __future__ import annotations

import os
from tempfile import TemporaryFile
from typing import IO


class LoadFiles:
    """Its record and its complaints. The files have no name, so nothing is left behind, whoever dies."""

    def __init__(self) -> None:
        self.record: IO[bytes] = TemporaryFile()  # noqa: SIM115 -- closed by `close`
        self.complaints: IO[bytes] = TemporaryFile()  # noqa: SIM115 -- closed by `close`

    @property
    def has_record(self) -> bool:
        """Whether the first line has been written."""
        return os.fstat(self.record.fileno()).st_size > 0

    def read_record(self) -> IO[bytes]:
        """Return the record's lines."""
        self.record.seek(0)
        return self.record

    def read_complaints(self) -> str:
        """Return what the process wrote to standard error."""
        self.complaints.seek(0)
        return self.complaints.read().decode(errors="replace")

    def close(self) -> None:
        """Forget them."""
        self.record.close()
        self.complaints.close()
