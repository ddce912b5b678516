"""What the door makes of a request before any rule is tried: whose it is, what is taken off, whether it is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from handshake.edge.adjust import Split
from handshake.edge.door.strictness import HOST, METHOD, OTHER_OPTION, SECOND_SPELLINGS
from handshake.edge.identity import is_stripped
from handshake.edge.network import is_within
from handshake.edge.policy import Policy
from handshake.edge.request import Request
from handshake.edge.split_cookie import cookie_of

_SPELLINGS = re.compile("|".join(SECOND_SPELLINGS), re.IGNORECASE)
_BAD_REQUEST = 400
_NOT_ALLOWED = 405


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why the door answers without asking any rule."""

    name: str
    """As the log names it."""
    why: str
    status: int


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A request as the rules see it."""

    request: Request
    stripped: tuple[str, ...]
    """Headers that are taken off, because anybody can write them."""
    refusal: Refusal | None


def arrive(policy: Policy, request: Request) -> Arrival:
    """Return what the door makes of a request as the client sends it; header names are in lower case."""
    refusals = tuple(_find_refusals(request))
    stripped = tuple(name for name in request.headers if is_stripped(name))
    headers = {name: value for name, value in request.headers.items() if name not in stripped}
    arrived = replace(
        request,
        client=_find_client(policy, request),
        host=re.sub(r":\d+$", "", request.host.lower()),
        headers=headers,
        arms=_find_arms(policy, request) | dict(request.arms),
    )
    # The door notes every reason, and the last one stands in the log.
    return Arrival(request=arrived, stripped=stripped, refusal=refusals[-1] if refusals else None)


def _find_client(policy: Policy, request: Request) -> str:
    """Return the client: where a trusted proxy speaks, the last whom it names."""
    last = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if not last or not is_within(ipaddress.ip_address(request.client), policy.trusted_proxies):
        return request.client
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return request.client


def _find_arms(policy: Policy, request: Request) -> dict[str, str]:
    cookies = request.cookies
    return {
        rule.name: arm
        for rule in policy.rules
        if isinstance(rule.action, Split) and (arm := cookies.get(cookie_of(rule.name))) in rule.action.arms
    }


def _find_refusals(request: Request) -> Iterator[Refusal]:
    if not request.path.startswith("/"):
        yield Refusal(name="strict-path", why="the path does not begin with /", status=_BAD_REQUEST)
    if found := _SPELLINGS.search(request.path):
        why = f"{found[0]!r} in the path could be read in two ways"
        yield Refusal(name="strict-path", why=why, status=_BAD_REQUEST)
    if re.search(OTHER_OPTION, request.headers.get("connection", ""), re.IGNORECASE):
        why = "Connection names a header that would be taken off on the way"
        yield Refusal(name="strict-connection", why=why, status=_BAD_REQUEST)
    if request.host and not re.search(HOST, request.host, re.IGNORECASE):
        yield Refusal(name="strict-host", why="Host is no name and port", status=_BAD_REQUEST)
    if request.method in {"CONNECT", "TRACE"}:
        yield Refusal(name="strict-method", why=f"{request.method} is never let in", status=_NOT_ALLOWED)
    if not re.search(METHOD, request.method):
        yield Refusal(name="strict-form", why="the method is not in capital letters", status=_BAD_REQUEST)
