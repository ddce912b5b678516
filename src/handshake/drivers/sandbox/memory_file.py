"""Files that exist in memory only, handed to a child process by descriptor."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

_LOWEST = 20
"""A shell uses the descriptors up to 9 for itself, and its script's from 10 on."""


@contextmanager
def memory_files(contents: Mapping[str, bytes]) -> Iterator[dict[str, int]]:
    """Hold each content in a file without a name, and yield the descriptors, ready to be read."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_memory_file(content)) for name, content in contents.items()}


@contextmanager
def _memory_file(content: bytes) -> Iterator[int]:
    low = os.memfd_create("handshake", os.MFD_CLOEXEC)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    finally:
        os.close(low)
    try:
        os.write(high, content)
        os.lseek(high, 0, os.SEEK_SET)
        yield high
    finally:
        os.close(high)
