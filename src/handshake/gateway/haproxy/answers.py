"""Answers that the gateway gives by itself: problems in JSON (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus

from handshake.syntax.haproxy import Line, line

RETRY_AFTER_SECONDS = 1

_DETAILS = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "The gateway could not handle the request.",
    HTTPStatus.BAD_GATEWAY: "The service's answer is not valid HTTP.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service does not answer.",
    HTTPStatus.GATEWAY_TIMEOUT: "The service did not answer in time.",
}

_TITLES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large"}
"""RFC 9110's titles where Python before 3.13 has older ones."""


def answer(status: HTTPStatus, detail: str, *headers: str) -> tuple[str, ...]:
    """Return the words of `http-request return` for a problem; headers as name, value, name, value."""
    return ("http-request", "return", *_reply(status, detail, *headers))


def error(status: HTTPStatus, detail: str) -> tuple[str, ...]:
    """Return the words that replace what HAProxy answers of itself with this status."""
    return ("http-error", *_reply(status, detail))


def _reply(status: HTTPStatus, detail: str, *headers: str) -> tuple[str, ...]:
    problem = {
        "type": "about:blank",
        "title": _TITLES.get(status, status.phrase),
        "status": status.value,
        "detail": detail,
    }
    pairs = [word for pair in _pairs(_headers(status, headers)) for word in ("hdr", *pair)]
    body = ("content-type", "application/problem+json", "string", json.dumps(problem))
    return ("status", str(status.value), *body, *pairs)


def _headers(status: HTTPStatus, headers: tuple[str, ...]) -> tuple[str, ...]:
    # A cache in front must not keep what is true of this moment only.
    always = ("Cache-Control", "no-store")
    unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
    return (*always, *headers, *(("Retry-After", str(RETRY_AFTER_SECONDS)) if unavailable else ()))


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


JSON_ERRORS: tuple[Line, ...] = tuple(line(*error(status, detail)) for status, detail in _DETAILS.items())
"""What HAProxy answers of itself, in the services' own shape instead of its HTML.

400 and 408 are missing: HAProxy 2.6 gives them before a request exists, in HTML whatever is configured.
"""
