"""An application to be put into a sandbox by tests: it evaluates what it is sent, and drains on SIGTERM."""

import http.server
import os
import signal
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """GET answers at once; POST evaluates a Python expression and answers with what came out, or with why not."""

    def do_GET(self) -> None:
        """Answer."""
        self._answer("ok")

    def do_POST(self) -> None:
        """Evaluate."""
        expression = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            self._answer(repr(eval(expression, {"__builtins__": __builtins__, "os": os})))
        except Exception as error:  # noqa: BLE001 -- what went wrong is the answer
            self._answer(f"{type(error).__name__}: {error}")

    def _answer(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    """Waits for the requests in flight when it closes."""

    daemon_threads = False


server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
print("drained", flush=True)  # noqa: T201 -- an instance logs on standard output
