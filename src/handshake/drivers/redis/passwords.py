"""A running store's passwords: it accepts two at once, so that clients can change from one to the other."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from handshake.core.errors import UnavailableError

_TIMEOUT_SECONDS = 2.0
_USER = "default"


class RedisPasswords:
    """Keeps the Protocol of `handshake.campaign.secret_rotation.Lock`."""

    def __init__(self, name: str, *, host: str, port: int) -> None:
        self._name = name
        self._host = host
        self._port = port

    def admit(self, today: str, new: str) -> None:
        """Let clients in with a new password too; UnavailableError where the store does not answer."""
        self._change(today, f"+{new}")

    def forget(self, old: str, today: str) -> None:
        """Let nobody in with an old password; who is in stays. One that it does not know is not an error."""
        self._change(today, f"-{old}")

    def _change(self, password: str, change: str) -> None:
        client = Redis(
            host=self._host,
            port=self._port,
            password=password,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
        )
        try:
            client.acl_setuser(_USER, enabled=True, passwords=[change])
        except RedisError as error:
            what = f"store {self._name} does not accept another password"
            raise UnavailableError(what, details=str(error)) from error
        finally:
            client.close()
