"""Regions that hold a site's release and fail as a test tells them: slow, down, refusing, breaking off, lagging."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

from handshake.release.manifest import Encoding, SiteContract, is_compressible
from handshake.site.paths import content_type
from tests.live.edges import Origin, Seen


class Fault(Enum):
    """How a region fails."""

    NONE = auto()
    SLOW = auto()
    DOWN = auto()
    REFUSING = auto()
    FAILING = auto()
    BREAKING_OFF = auto()
    LAGGING = auto()


@dataclass(kw_only=True)
class FaultyRegion(Origin):
    """A region of its own: objects by key, and a fault that the test chooses."""

    objects: dict[str, bytes] = field(default_factory=dict)
    fault: Fault = Fault.NONE
    spares: str = ""
    """Part of the keys that are answered whatever the fault; empty: none are."""
    lags_behind: str = ""
    """Part of the keys that a lagging region does not have yet."""

    def publish(self, site: str, release: str, files: Mapping[str, str], contract: SiteContract) -> None:
        """Lay a release out as publishing does, with its variants."""
        for path, text in files.items():
            is_asset = bool(contract.assets) and path.startswith(contract.assets)
            folder = f"/sites/{site}/{'assets' if is_asset else release}/"
            self.objects[folder + path] = text.encode()
            if contract.encodings and is_compressible(path):
                for encoding in contract.encodings:
                    self.objects[folder + encoding.folder + path] = encode(encoding, text)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer as the fault lets it."""
        if handler.command == "HEAD":
            self._send(handler, 200, b"", "text/plain")
            return
        self.seen.append(Seen(method=handler.command, path=handler.path, headers=dict(handler.headers)))
        if self.spares and self.spares in handler.path:
            self._send_object(handler)
            return
        match self.fault:
            case Fault.DOWN:
                handler.close_connection = True
            case Fault.REFUSING:
                self._send(handler, 403, b"denied", "text/plain")
            case Fault.FAILING:
                self._send(handler, 500, b"broken", "text/plain")
            case _:
                self._serve(handler)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        if self.fault is Fault.SLOW:
            time.sleep(4)
        if self.fault is Fault.LAGGING and self.lags_behind in handler.path:
            self._send(handler, 404, b"missing", "text/plain")
        else:
            self._send_object(handler)

    def _send_object(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(handler.path.partition("?")[0])
        body = self.objects.get(path)
        if body is None:
            self._send(handler, 404, b"missing", "text/plain")
        else:
            self._send(handler, 200, body, content_type(path))

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("ETag", f'"{sha256(body).hexdigest()[:16]}"')
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        breaks_off = self.fault is Fault.BREAKING_OFF and not (self.spares and self.spares in handler.path)
        if breaks_off and status == 200 and handler.command != "HEAD":
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            handler.close_connection = True
        else:
            handler.wfile.write(body)


def encode(encoding: Encoding, text: str) -> bytes:
    """Return a variant's bytes; what is no gzip is only marked, as no edge looks into it."""
    if encoding is Encoding.GZIP:
        return gzip.compress(text.encode(), mtime=0)
    return f"{encoding}:{text}".encode()
