"""A Redis store: its configuration and how it is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
        raise ValueError(f"{text!r} holds a character that this configuration cannot carry")
    return f'"{text}"'
