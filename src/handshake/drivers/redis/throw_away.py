"""Stores for a trial: real ones, filled as the campaign's are at their first start, gone when it is over."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from handshake.core.clock import Clock
from handshake.core.errors import UnavailableError
from handshake.drivers.process.processes import Processes
from handshake.drivers.redis.program import RedisStore
from handshake.drivers.redis.supervised import SupervisedStore

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
