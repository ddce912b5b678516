"""One region's static file server: its configuration, and its supervised nginx."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import urllib3

from handshake.core.atomic_file import write_atomically
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, ProgramState
from handshake.release.manifest import Encoding
from handshake.site.paths import CONTENT_TYPES, DEFAULT
from handshake.site.upload import IMMUTABLE, REVALIDATED

# nginx's configuration language: directives of words, and the printer that quotes them.

_BARE = re.compile(r"[A-Za-z0-9_./:=+*!~^()|$@-]+")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


@dataclass(frozen=True, kw_only=True)
class Directive:
    """One statement, or a block where it has a body."""

    words: tuple[str, ...]
    body: tuple[Directive, ...] = ()


def directive(*words: str) -> Directive:
    """Return a statement made of these words; a `$name` in them is nginx's variable."""
    return Directive(words=words)


def block(words: Sequence[str], *body: Directive) -> Directive:
    """Return a block."""
    return Directive(words=tuple(words), body=body)


def literal(text: str) -> str:
    """Return a text that means itself; ValueError where it holds a `$`, which nginx has no way to escape."""
    if "$" in text:
        raise ValueError(f"{text!r} contains a $, which nginx reads as a variable: use another path")
    return text


def print_nginx(directives: Sequence[Directive]) -> str:
    """Return the configuration text."""
    return "".join(_print(statement, "") for statement in directives)


def quote_word(word: str) -> str:
    """Return one word as nginx reads it back; ValueError for control characters that no escape stands for."""
    if _BARE.fullmatch(word):
        return word
    escaped = word.translate(_ESCAPES)
    if any(ord(character) < ord(" ") for character in escaped):
        raise ValueError(
            f"{word!r} contains a control character, which nginx configurations cannot represent"
        )
    return f'"{escaped}"'


def _print(statement: Directive, indent: str) -> str:
    heading = indent + " ".join(quote_word(word) for word in statement.words)
    if not statement.body:
        return f"{heading};\n"
    inner = "".join(_print(child, indent + "    ") for child in statement.body)
    return f"{heading} {{\n{inner}{indent}}}\n"


# One region's static file server: its configuration and how it is started.

HEALTH_PATH = "/health"

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""What nginx makes a folder for at the start, whether or not it is ever used."""


@dataclass(frozen=True, kw_only=True)
class RegionServer:
    """The server of one region, which publishes what lies under `sites/` in its directory and nothing else."""

    directory: Path
    """The region's directory, as the directory store fills it."""
    state: Path
    """A folder of the server's own, which exists: pid, configuration, temporary files."""
    host: str
    port: int
    user: str
    """Whom the worker runs as where root starts the server: `www-data`; empty where another user starts it."""

    @property
    def configuration(self) -> Path:
        """Where the configuration is expected."""
        return self.state / "nginx.conf"

    @property
    def health_url(self) -> str:
        """What answers 200 while the server runs and its user can enter the region's directory, else 503."""
        return f"http://{self.host}:{self.port}{HEALTH_PATH}"


def nginx_argv(server: RegionServer, program: str = "/usr/sbin/nginx") -> tuple[str, ...]:
    """Return the command that runs the server in the foreground; SIGQUIT lets it finish what it is sending."""
    return (program, "-e", "stderr", "-p", str(server.state), "-c", str(server.configuration))


def print_configuration(server: RegionServer) -> str:
    """Return the server's configuration; ValueError for a path that nginx cannot be told."""
    return print_nginx(
        [
            *([directive("user", server.user)] if server.user else []),
            directive("daemon", "off"),
            directive("worker_processes", "1"),
            directive("pid", _in_state(server, "nginx.pid")),
            directive("lock_file", _in_state(server, "nginx.lock")),
            directive("error_log", "stderr", "warn"),
            block(["events"], directive("worker_connections", "1024")),
            block(["http"], *_http(server)),
        ]
    )


def _http(server: RegionServer) -> list[Directive]:
    return [
        block(["types"], *(directive(kind, extension) for extension, kind in CONTENT_TYPES.items())),
        directive("default_type", DEFAULT),
        directive("access_log", "off"),
        directive("server_tokens", "off"),
        directive("sendfile", "on"),
        directive("tcp_nopush", "on"),
        directive("keepalive_timeout", "75s"),
        directive("keepalive_requests", "100000"),
        directive("client_max_body_size", "1k"),
        *(directive(f"{name}_temp_path", _in_state(server, f"{name}_temp")) for name in _TEMPORARY),
        block(["server"], *_server(server)),
    ]


def _server(server: RegionServer) -> list[Directive]:
    return [
        directive("listen", f"{server.host}:{server.port}"),
        directive("root", literal(str(server.directory))),
        directive("disable_symlinks", "on", f"from={literal(str(server.directory))}"),
        # The ETag is made from a file's time and size; the store makes that time from the content, so the
        # ETag is the same in every region. As a date the time means nothing: it is neither sent nor compared.
        directive("etag", "on"),
        directive("if_modified_since", "off"),
        # A disk that is not mounted, or that this user may not enter, must look like a region that is down, so
        # that the other one is asked, and not like one that lost everything.
        block(["if", "(!-d", literal(f"{server.directory}/."), ")"], directive("return", "503")),
        directive("error_page", "503", "@absent"),
        # An object is what has exactly this key: a folder is none, with or without a slash.
        directive("error_page", "403", "404", "@missing"),
        directive("error_page", "405", "@refused"),
        block(["location", "=", HEALTH_PATH], *_answer("200", "ok")),
        # The first expression that fits wins: variants stand before what they are variants of.
        *(_variants(encoding, "assets", IMMUTABLE) for encoding in Encoding),
        *(_variants(encoding, "[0-9a-f]+", REVALIDATED) for encoding in Encoding),
        block(["location", "~", "^/sites/[^/]+/assets/"], *_objects(IMMUTABLE)),
        block(["location", "/sites/"], *_objects(REVALIDATED)),
        block(["location", "/"], *_read_only(), directive("return", "404")),
        block(["location", "@absent"], *_answer("503", "the region's directory is not there")),
        block(["location", "@missing"], *_answer("404", "not found")),
        block(
            ["location", "@refused"],
            directive("add_header", "Allow", "GET, HEAD", "always"),
            *_answer("405", "GET and HEAD only"),
        ),
    ]


def _variants(encoding: Encoding, folder: str, cache_control: str) -> Directive:
    """Return the location of files that are compressed already; their type is that of the file inside."""
    return block(
        ["location", "~", f"^/sites/[^/]+/{folder}/{encoding.folder}"],
        *_objects(cache_control),
        directive("add_header", "Content-Encoding", encoding.value),
    )


def _objects(cache_control: str) -> list[Directive]:
    return [
        *_read_only(),
        directive("add_header", "Last-Modified", ""),
        directive("add_header", "Cache-Control", cache_control),
        directive("try_files", "$uri", "=404"),
    ]


def _read_only() -> list[Directive]:
    return [block(["if", "($request_method", "!~", "^(GET|HEAD)$)"], directive("return", "405"))]


def _answer(status: str, text: str) -> list[Directive]:
    return [directive("default_type", "text/plain"), directive("return", status, f"{text}\n")]


def _in_state(server: RegionServer, name: str) -> str:
    return literal(str(server.state / name))


_OK = 200


class SupervisedRegion:
    """One region's server on this node."""

    def __init__(self, name: str, *, server: RegionServer, processes: Processes) -> None:
        self._name = name
        self._server = server
        self._processes = processes
        self._http = urllib3.PoolManager(timeout=1.0, retries=False)

    @property
    def name(self) -> str:
        """The program's name."""
        return self._name

    def ensure(self) -> bool:
        """Start the server unless it runs; True if it was started now."""
        if self._processes.observe(self._name).state is ProgramState.RUNNING:
            return False
        self._server.state.mkdir(parents=True, exist_ok=True)
        write_atomically(self._server.configuration, print_configuration(self._server))
        # nginx's master binds and reads as root, and its worker becomes the user that the configuration names.
        self._processes.start(Program(name=self._name, argv=nginx_argv(self._server), restart=True))
        return True

    def answers(self) -> bool:
        """Whether the server answers."""
        try:
            return self._http.request("GET", self._server.health_url).status == _OK
        except urllib3.exceptions.HTTPError:
            return False
