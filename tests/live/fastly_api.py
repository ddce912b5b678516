"""Fastly's API on loopback, as it is documented: versions, VCL, containers, purges, and the limits that bite.

Beyond a container's capacity, entries vanish without a word; pages hold a hundred; a thousand writes an hour are answered;
an activation is accepted at once and becomes true later.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "a token of Fastly's"
SERVICE = "SU1Z0isxPaozGVKXdv0eY"
PAGE = 100
BATCH = 1000
TAGS = 256
_HOUR = 3600


class ApiFaultError(Exception):
    """An answer that is none of the good ones."""

    def __init__(self, status: int, msg: str) -> None:
        super().__init__(msg)
        self.status, self.msg = status, msg


@dataclass(kw_only=True)
class ApiVersion:
    """A version: everything in it is copied by a clone, ids of containers included."""

    number: int
    is_locked: bool = False
    vcls: dict[str, dict[str, Any]] = field(default_factory=dict)
    acls: dict[str, dict[str, Any]] = field(default_factory=dict)
    dictionaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    backends: dict[str, dict[str, Any]] = field(default_factory=dict)
    domains: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(kw_only=True)
class FastlyApi:
    """One service and what happened to it."""

    capacity: int = 1000
    writes_an_hour: int = 1000
    activation_seconds: float = 0.0
    find_fault: Callable[[str], str] = lambda _: ""
    """What validation says of a VCL; nothing where it is fine."""
    versions: dict[int, ApiVersion] = field(default_factory=lambda: {1: ApiVersion(number=1)})
    entries: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    items: dict[str, dict[str, str]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    purges: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    writes: int = 0
    is_down: bool = False
    port: int = 0
    _activations: list[tuple[float, int]] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def active(self) -> int | None:
        """The version that serves by now."""
        done = [number for at, number in self._activations if at <= time.monotonic()]
        return done[-1] if done else None

    def held(self, name: str) -> set[str]:
        """Return what a container of the active version holds."""
        version = self.versions[self.active or 0]
        if name in version.acls:
            return {_print(its) for its in self.entries[version.acls[name]["id"]].values()}
        return set(self.items[version.dictionaries[name]["id"]])

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Answer one request."""
        with self._lock:
            if self.is_down:
                raise ApiFaultError(503, "Service Unavailable")
            if headers.get("fastly-key") != TOKEN:
                raise ApiFaultError(401, "Provided credentials are missing or invalid")
            if method != "GET":
                self.writes += 1
                if self.writes > self.writes_an_hour:
                    raise ApiFaultError(429, "You have exceeded your hourly rate limit")
            parts = urlsplit(target)
            asked = dict(parse_qsl(parts.query))
            told = _read_body(headers.get("content-type", ""), body)
            return 200, self._route(method, parts.path, asked, told, headers)

    @property
    def limit_headers(self) -> dict[str, str]:
        """What every answer to a write says of the limit."""
        remaining = max(self.writes_an_hour - self.writes, 0)
        reset = int(time.time()) // _HOUR * _HOUR + _HOUR
        return {"Fastly-RateLimit-Remaining": str(remaining), "Fastly-RateLimit-Reset": str(reset)}

    def _route(  # noqa: C901, PLR0911 -- one case for each route
        self, method: str, path: str, asked: dict[str, str], told: dict[str, Any], headers: dict[str, str]
    ) -> Any:
        base = f"/service/{SERVICE}"
        if not path.startswith(base):
            raise ApiFaultError(404, "Record not found")
        words = path.removeprefix(base).strip("/").split("/")
        match (method, *words):
            case ("GET", "version"):
                return [self._show(version) for version in self.versions.values()]
            case ("PUT", "version", number, "clone"):
                return self._clone(int(number))
            case ("PUT", "version", number, "activate"):
                return self._activate(int(number))
            case ("GET", "version", number, "validate"):
                fault = self._find_fault(int(number))
                return {"status": "error" if fault else "ok", "msg": fault or None}
            case ("POST", "lint"):
                fault = self.find_fault(told["vcl"])
                errors = [fault] if fault else []
                return {"data": {"id": "x", "type": "vcl", "attributes": {"errors": errors, "status": "ok"}}}
            case ("POST", "purge"):
                return self._purge(told["surrogate_keys"], is_soft="fastly-soft-purge" in headers)
            case (_, "version", number, kind, *name):
                return self._change(method, int(number), kind, name[0] if name else "", told)
            case (_, "acl", number, "entries"):
                return self._entries(method, number, asked, told)
            case (_, "dictionary", number, "items"):
                return self._items(method, number, asked, told)
        raise ApiFaultError(404, f"no such route: {method} {path}")

    def _show(self, version: ApiVersion) -> dict[str, Any]:
        return {
            "number": version.number,
            "active": version.number == self.active,
            "locked": version.is_locked,
        }

    def _clone(self, number: int) -> dict[str, Any]:
        copy = deepcopy(self.versions[number])
        copy.number, copy.is_locked = max(self.versions) + 1, False
        self.versions[copy.number] = copy
        return self._show(copy)

    def _activate(self, number: int) -> dict[str, Any]:
        if fault := self._find_fault(number):
            raise ApiFaultError(400, f"Bad request: {fault}")
        self.versions[number].is_locked = True
        self._activations.append((time.monotonic() + self.activation_seconds, number))
        return self._show(self.versions[number])

    def _find_fault(self, number: int) -> str:
        version = self.versions[number]
        if not version.domains:
            return "Version has no associated domains"
        if not version.backends:
            return "Version has no associated backends"
        mains = [its["content"] for its in version.vcls.values() if its["main"]]
        return self.find_fault(mains[0]) if mains else ""

    def _purge(self, tags: list[str], *, is_soft: bool) -> dict[str, str]:
        if len(tags) > TAGS:
            raise ApiFaultError(400, "too many keys")
        self.purges.append((tuple(tags), is_soft))
        return {tag: str(next(self._ids)) for tag in tags}

    def _change(self, method: str, number: int, kind: str, name: str, told: dict[str, Any]) -> Any:
        version = self.versions[number]
        objects: dict[str, dict[str, Any]] = {
            "vcl": version.vcls,
            "acl": version.acls,
            "dictionary": version.dictionaries,
            "backend": version.backends,
            "domain": version.domains,
        }[kind]
        if method == "GET":
            return list(objects.values())
        if version.is_locked:
            raise ApiFaultError(422, "Version is locked")
        if method == "DELETE":
            del objects[name]
            return {"status": "ok"}
        if method == "POST":
            name = told["name"]
            if name in objects:
                raise ApiFaultError(409, "Duplicate record")
            objects[name] = self._make(kind, told)
        objects[name].update(_type(told))
        return objects[name]

    def _make(self, kind: str, told: dict[str, Any]) -> dict[str, Any]:
        its: dict[str, Any] = {
            "name": told["name"],
            "id": f"{kind}{next(self._ids)}",
            "main": False,
            "shield": None,
        }
        if kind == "acl":
            self.entries[its["id"]] = {}
        if kind == "dictionary":
            self.items[its["id"]] = {}
            if _type(told).get("write_only"):
                self.private.add(its["id"])
        return its

    def _entries(self, method: str, number: str, asked: dict[str, str], told: dict[str, Any]) -> Any:
        held = self.entries[number]
        if method == "GET":
            return _page(list(held.values()), asked)
        self._count_batch(told["entries"])
        for operation in told["entries"]:
            if operation["op"] == "delete":
                held.pop(operation["id"])
            elif len(held) < self.capacity:
                name = f"e{next(self._ids)}"
                subnet = operation.get("subnet")
                held[name] = {
                    "id": name,
                    "ip": operation["ip"],
                    "subnet": subnet,
                    "negated": "0",
                    "comment": "",
                }
        return {"status": "ok"}

    def _items(self, method: str, number: str, asked: dict[str, str], told: dict[str, Any]) -> Any:
        held = self.items[number]
        if method == "GET":
            if number in self.private:
                raise ApiFaultError(403, "Dictionary is write-only")
            rows = [
                {"item_key": key, "item_value": value, "dictionary_id": number} for key, value in held.items()
            ]
            return _page(rows, asked)
        self._count_batch(told["items"])
        for operation in told["items"]:
            if operation["op"] == "delete":
                del held[operation["item_key"]]
            elif operation["item_key"] in held or len(held) < self.capacity:
                held[operation["item_key"]] = operation["item_value"]
        return {"status": "ok"}

    def _count_batch(self, operations: list[object]) -> None:
        if len(operations) > BATCH:
            raise ApiFaultError(400, f"a batch holds at most {BATCH} operations")
        self.batches.append(len(operations))


@contextmanager
def run_fastly_api(api: FastlyApi) -> Iterator[FastlyApi]:
    """Serve the API on a free port of loopback until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(api))
    api.port = server.server_address[1]
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_handler(api: FastlyApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body leave together: no waiting for a delayed ack

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, told = api.answer(self.command, self.path, headers, body)
            except ApiFaultError as error:
                status, told = error.status, {"msg": HTTPStatus(error.status).phrase, "detail": error.msg}
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if self.command != "GET":
                for name, value in api.limit_headers.items():
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- the library's names

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _read_body(content_type: str, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    if "json" in content_type:
        told: dict[str, Any] = json.loads(body)
        return told
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _type(told: dict[str, Any]) -> dict[str, Any]:
    """Return a form's values as the API keeps them."""
    truths = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}
    typed = {
        key: truths.get(value, value)
        for key, value in told.items()
        if key in {"main", "use_ssl", "write_only"}
    }
    return {**told, **typed, **({"port": int(told["port"])} if "port" in told else {})}


def _page(rows: list[Any], asked: dict[str, str]) -> list[Any]:
    size = min(int(asked.get("per_page", PAGE)), PAGE)
    begin = (int(asked.get("page", 1)) - 1) * size
    return rows[begin : begin + size]


def _print(entry: dict[str, Any]) -> str:
    return entry["ip"] if entry["subnet"] is None else f"{entry['ip']}/{entry['subnet']}"
