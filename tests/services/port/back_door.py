"""Breaks the promise `port`: it opens a second one, for its developer."""

import socket

from tests.services.kit.service import Service, serve


class Open(Service):
    """Has a back door."""

    def prepare(self) -> None:
        """Open it."""
        self.back_door = socket.create_server(("127.0.0.1", 0))


serve(Open())
