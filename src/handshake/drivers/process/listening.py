"""Where processes accept TCP connections, read off the kernel's tables: nothing that they say about it counts."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

_LISTENING = "0A"
"""The state column's word for a listening socket."""
_ADDRESS, _STATE, _INODE = 1, 3, 9
_V4_DIGITS = 8


def listening_addresses(pids: Iterable[int]) -> tuple[str, ...]:
    """Return every `address:port` on which one of these processes listens, sorted; `[address]:port` for IPv6."""
    found: set[str] = set()
    for pid in pids:
        sockets = set(_open_files(pid))
        found |= {address for address, inode in _listeners(pid) if f"socket:[{inode}]" in sockets}
    return tuple(sorted(found))


def _listeners(pid: int) -> Iterator[tuple[str, str]]:
    """Yield address and inode of every listening socket in a process's network namespace."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            return  # ended meanwhile
        for columns in map(str.split, lines):
            if columns[_STATE] == _LISTENING:
                yield _read_address(columns[_ADDRESS]), columns[_INODE]


def _read_address(text: str) -> str:
    """Return `0100007F:1F90` as 127.0.0.1:8080: the kernel prints 32-bit words in the machine's byte order."""
    digits, _, port = text.partition(":")
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(digits) == _V4_DIGITS:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{int(port, 16)}"


def _open_files(pid: int) -> Iterator[str]:
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            yield str(descriptor.readlink())
    except OSError:
        return  # ended meanwhile, or closed
