"""Ports of this machine: who listens on a port, and on which ports a process listens."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from handshake.core.problem import Location, Problem

_LISTENING = "0A"
"""The state column's word for a listening socket, in /proc/net/tcp."""
_ADDRESS, _STATE, _INODE = 1, 3, 9


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who listens on a port."""

    port: int
    pid: int
    """0 where only root may see whose it is."""
    program: str

    def __str__(self) -> str:
        return f"{self.program} (pid {self.pid})" if self.pid else "a program of another user"


def port_holder(port: int) -> Holder | None:
    """Return who listens on a TCP port, on whatever address; None if nobody does."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & set(_open_files(process)):
            return Holder(port=port, pid=int(process.name), program=_program_name(process))
    return Holder(port=port, pid=0, program="")


def check_port(port: int, *, needed_by: str, where: Location) -> list[Problem]:
    """Return a problem where a port that we need is taken, saying by whom."""
    holder = port_holder(port)
    if holder is None:
        return []
    return [
        Problem(
            check="port-in-use",
            what=f"{needed_by} needs port {port}, but {holder} listens there",
            where=where,
            hint=f"Stop it (kill {holder.pid}), or give {needed_by} another port."
            if holder.pid
            else f"sudo ss -ltnp 'sport = :{port}' shows which; stop it, or give {needed_by} another port.",
        )
    ]


def _listening(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            if columns[_STATE] == _LISTENING and int(columns[_ADDRESS].rpartition(":")[2], 16) == port:
                yield columns[_INODE]


def _open_files(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            yield str(descriptor.readlink())
    except OSError:
        return  # another user's, or ended meanwhile


def _program_name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program that just ended"


# Where processes accept TCP connections, read off the kernel's tables: nothing that they say about it counts.

"""The state column's word for a listening socket."""
_V4_DIGITS = 8


def listening_addresses(pids: Iterable[int]) -> tuple[str, ...]:
    """Return every `address:port` on which one of these processes listens, sorted; `[address]:port` for IPv6."""
    found: set[str] = set()
    for pid in pids:
        sockets = set(_open_files_listening(pid))
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


def _open_files_listening(pid: int) -> Iterator[str]:
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            yield str(descriptor.readlink())
    except OSError:
        return  # ended meanwhile, or closed
