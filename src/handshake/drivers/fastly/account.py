"""Calls of Fastly's API: one place, which reads answers as JSON and turns failures into Handshake's own errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import urllib3
from fastly import ApiClient, ApiException, Configuration

from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError

_TIMEOUT_SECONDS = 30.0
_SERVER_FAILS = 500
_TOO_MANY = 429
_NOT_WELL_NOW = 0


class _Client(ApiClient):  # type: ignore[misc]  # the library has no types
    """The library's client, for whatever address it was told, and with answers as they are.

    By itself it speaks to Fastly's address alone, and makes models of what it sends and reads: its models refuse the API's
    own `"negated": "0"` and take no id in a batch, and a thousand of them take two seconds.
    """

    def call_api(self, *arguments: Any, **named: Any) -> Any:
        return super().call_api(*arguments, **{**named, "_host": self.configuration.host})

    def deserialize(self, response: Any, _response_type: object, _check_type: object) -> Any:
        return json.loads(response.data) if response.data else None


class FastlyAccount:
    """An account's API, by a token that is read for every client and never printed."""

    def __init__(self, *, api: str, token: str, clock: Clock) -> None:
        configuration = Configuration(host=api)
        configuration.api_token = token
        configuration.retries = False
        self._clock = clock
        self.client = _Client(configuration)

    def call(self, operation: Callable[..., object], **named: Any) -> Any:
        """Call one of the library's operations and return its answer, None if it is empty.

        UnavailableError: no answer, or asked too often, with the moment from which it may be asked again in the hint.
        RefusedError: Fastly says no, with its own message in the details.
        """
        try:
            return operation(**named, _request_timeout=_TIMEOUT_SECONDS)
        except ApiException as error:
            raise self._explain(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError("Fastly's API does not answer", details=str(error)) from error

    def send(self, operation: Callable[..., object], **named: Any) -> Any:
        """Call an operation that takes JSON, which is sent as it is, and return its answer; errors as of `call`."""
        return self.call(
            operation, **named, _check_input_type=False, _content_type="application/json", _host_index=0
        )

    def _explain(self, error: ApiException) -> HandshakeError:
        details = error.body if isinstance(error.body, str) else str(error.reason)
        if error.status == _TOO_MANY:
            hint = f"Try again in {self._pause(error.headers or {}):.0f} s."
            return UnavailableError("Fastly's API rate limit was exceeded", hint=hint, details=details)
        if error.status == _NOT_WELL_NOW or error.status >= _SERVER_FAILS:
            return UnavailableError(f"Fastly's API fails with {error.status}", details=details)
        return RefusedError(f"Fastly's API refused the request ({error.status})", details=details)

    def _pause(self, headers: Mapping[str, str]) -> float:
        """Return how long to wait: Fastly says when the hour of its count ends."""
        until = float(headers.get("Fastly-RateLimit-Reset", 0))
        return max(until - self._clock.now(), 0.0)
