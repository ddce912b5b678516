"""Breaks the promise `twin`: it fails as soon as a peer that it has met is gone."""

import os
import socket

from tests.services.kit.service import Service, serve


class Attached(Service):
    """Does nothing without its peers."""

    def __init__(self) -> None:
        super().__init__()
        self.met: set[str] = set()

    def prepare(self) -> None:
        """Make itself known to its peers."""
        self.store.do("SADD", "peers", os.environ["PORT"])

    def read(self) -> dict[str, object]:
        """Look after all others first."""
        for port in set(self.store.members("peers")) - {os.environ["PORT"]}:
            if is_there(port):
                self.met.add(port)
            elif port in self.met:
                raise RuntimeError(f"the peer at port {port} is gone")
        return super().read()


def is_there(port: str) -> bool:
    """Tell whether a peer listens."""
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=1).close()
    except OSError:
        return False
    return True


serve(Attached())
