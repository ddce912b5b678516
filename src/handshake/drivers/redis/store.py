"""A Redis store: its configuration, supervised or for a trial, filled from its seed when it starts empty."""

from __future__ import annotations

import os
import pwd
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from handshake.core.atomic_file import write_atomically
from handshake.core.clock import Clock
from handshake.core.digest import canonical_json
from handshake.core.errors import UnavailableError
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, ProgramState
from handshake.drivers.redis.content import FILLED
from handshake.renderer.content import Document, read_documents

# A Redis store: its configuration and how it is started.


@dataclass(frozen=True, kw_only=True)
class RedisStore:
    """One store. A durable one loses nothing that it answered; the other one is filled from its source."""

    directory: Path
    """Where its data lies; it exists and belongs to the user who runs the store."""
    host: str
    port: int
    password: str
    is_durable: bool

    @property
    def configuration(self) -> Path:
        """Where the configuration is expected: it holds the password, so only its user may read it."""
        return self.directory / "redis.conf"

    @property
    def url(self) -> str:
        """What clients connect to; a secret."""
        return f"redis://:{self.password}@{self.host}:{self.port}/0"


def redis_argv(store: RedisStore, program: str = "/usr/bin/redis-server") -> tuple[str, ...]:
    """Return the command that runs the store in the foreground."""
    return (program, str(store.configuration))


def print_configuration(store: RedisStore) -> str:
    """Return the store's configuration; ValueError for a path or password that cannot be quoted."""
    settings = {
        "bind": store.host,
        "port": str(store.port),
        "requirepass": _quote(store.password),
        "dir": _quote(str(store.directory)),
        "daemonize": "no",
        "logfile": '""',
        "maxclients": "2000",
        **(_DURABLE if store.is_durable else _DISPOSABLE),
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


_DURABLE = {
    # A donation is answered only once it is on disk, and is never pushed out by another.
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "save": '""',
}
_DISPOSABLE = {"appendonly": "no", "save": '""', "maxmemory": "256mb", "maxmemory-policy": "allkeys-lru"}


def _quote(text: str) -> str:
    if any(character in text for character in '"\\\n\r'):
        raise ValueError(f"{text!r} contains a character that this configuration cannot represent")
    return f'"{text}"'


_USER = "redis"
_TIMEOUT_SECONDS = 1.0


class SupervisedStore:
    """One store of this node."""

    def __init__(self, name: str, *, store: RedisStore, seed: Path | None, processes: Processes) -> None:
        self._name = name
        self._store = store
        self._seed = seed
        self._processes = processes

    @property
    def name(self) -> str:
        """The program's name."""
        return self._name

    def ensure(self) -> bool:
        """Start the store unless it runs, and fill it where it is empty; True if something was done."""
        is_started = self._start()
        return self._fill() or is_started

    def answers(self) -> bool:
        """Whether the store answers, with its credential."""
        try:
            return bool(_client(self._store.url).ping())
        except RedisError:
            return False

    def _start(self) -> bool:
        self._configure()
        if self._processes.observe(self._name).state is ProgramState.RUNNING:
            return False
        self._give_to_user()
        program = Program(name=self._name, argv=redis_argv(self._store), user=_USER, restart=True)
        self._processes.start(program)
        return True

    def _configure(self) -> None:
        """Leave the configuration where the next start finds it: with the password of today, once it was rotated."""
        text, file = print_configuration(self._store), self._store.configuration
        if file.exists() and file.read_text(encoding="utf-8") == text:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text, mode=0o600, prepare=lambda draft: _take_owner(draft, file))

    def _fill(self) -> bool:
        if self._seed is None or not self.answers():
            return False
        if _client(self._store.url).dbsize():
            return False
        try:
            return bool(seed_content(self._store.url, self._seed))
        except UnavailableError:
            return False

    def _give_to_user(self) -> None:
        """Let Debian's redis user read its configuration and write its data, where root starts it."""
        if os.geteuid() != 0:
            return
        account = pwd.getpwnam(_USER)
        for path in (self._store.directory, *self._store.directory.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)


def _take_owner(draft: Path, file: Path) -> None:
    """Give a draft to whoever owns the file that it replaces, if there is one."""
    if file.exists():
        owner = file.stat()
        os.chown(draft, owner.st_uid, owner.st_gid)


@lru_cache(maxsize=16)
def _client(url: str) -> Redis:
    """Return the one client of a store: to make one is dear, and every cycle asks."""
    return Redis.from_url(url, socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS)


# Fills an empty content store with a campaign's first documents.

SECONDS = 2.0
"""How long the store may take to accept a connection, and to answer."""


def seed_content(url: str, folder: Path) -> tuple[str, ...]:
    """Write a folder's documents into the store at a URL, and return the keys that were new.

    Atomic, and idempotent: a document that is there already stays as its editor left it.
    ProblemsError names every file that is no document, before anything is written. UnavailableError.
    """
    documents = read_documents(folder)
    try:
        with Redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS) as redis:
            return _write_new(redis.pipeline(transaction=True), documents)
    except RedisError as error:
        raise UnavailableError("the content store does not answer", details=str(error)) from error


def _write_new(pipeline: Pipeline, documents: tuple[Document, ...]) -> tuple[str, ...]:
    for document in documents:
        pipeline.set(document.key, canonical_json(document.fields), nx=True)
    pipeline.set(FILLED, 1, nx=True)
    *written, _filled = pipeline.execute()
    return tuple(document.key for document, new in zip(documents, written, strict=True) if new)


# Stores for a trial: real ones, filled as the campaign's are at their first start, gone when it is over.

HOST = "127.0.0.1"
_START_SECONDS = 10.0
_TICK_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class ThrowAwayStore:
    """What a store of a trial is like."""

    name: str
    is_durable: bool
    seed: Path | None
    """A folder of documents that fill it."""


def start_store(wanted: ThrowAwayStore, folder: Path, port: int, clock: Clock) -> str:
    """Start a store whose records and data lie below a folder, and return its address, which is a secret.

    UnavailableError where it does not answer. Who owns the folder ends it.
    """
    store = RedisStore(
        directory=folder / "stores" / wanted.name,
        host=HOST,
        port=port,
        password=secrets.token_urlsafe(24),
        is_durable=wanted.is_durable,
    )
    supervised = SupervisedStore(
        f"store-{wanted.name}", store=store, seed=wanted.seed, processes=Processes(folder / "programs")
    )
    supervised.ensure()
    deadline = clock.monotonic() + _START_SECONDS
    while not supervised.answers():
        if clock.monotonic() > deadline:
            raise UnavailableError(f"the trial's store {wanted.name} does not answer")
        clock.sleep(_TICK_SECONDS)
    supervised.ensure()  # fills it
    return store.url
