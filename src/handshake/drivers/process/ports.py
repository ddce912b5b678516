"""Ports of this machine: who listens on one."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Return who listens on a TCP port, on whatever address; None where nobody does."""
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
            what=f"{needed_by} needs port {port}, and {holder} listens there",
            where=where,
            hint=f"end it (kill {holder.pid}) or give {needed_by} another port"
            if holder.pid
            else f"sudo ss -ltnp 'sport = :{port}' says who; end it, or give {needed_by} another port",
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
