"""Breaks the promise `port`: it opens a second one, for its developer."""

import socket

from tests.services.kit.service import Service, serve


class Open(Service):
    """Listens on a second port."""

    def prepare(self) -> None:
        """Open it."""
        self.second_port = socket.create_server(("127.0.0.1", 0))


serve(Open())
