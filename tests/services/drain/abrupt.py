"""Breaks the promise `drain`: asked to end, it ends in the middle of everything."""

import os
from http.server import ThreadingHTTPServer

from tests.services.kit.service import Service, serve


class Abrupt(Service):
    """Does not finish what it has begun."""

    def end(self, _server: ThreadingHTTPServer) -> None:
        """Leave."""
        os._exit(0)


serve(Abrupt())
