"""A supervised Redis store; a disposable one is filled from its seed whenever it starts empty."""

from __future__ import annotations

import os
import pwd
from functools import lru_cache
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from handshake.core.atomic_file import write_atomically
from handshake.core.errors import UnavailableError
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, State
from handshake.drivers.redis.program import RedisStore, print_configuration, redis_argv
from handshake.drivers.redis.seed import seed_content

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
        """Start the store unless it runs, and fill it where it is empty; True where something was done."""
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
        if self._processes.observe(self._name).state is State.RUNNING:
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
