"""The policy, evaluated for one request without any edge: CEL's own evaluator reads the conditions."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import celpy
from celpy.celtypes import BoolType, ListType, MapType, StringType

from handshake.edge.actions import Decoy, Respond
from handshake.edge.network import Address, Network, is_within
from handshake.edge.phase import Phase
from handshake.edge.policy import AddressList, Policy, Rule
from handshake.edge.variables import UNKNOWN_COUNTRY


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the rules may know about one request."""

    client: str
    country: str = UNKNOWN_COUNTRY
    method: str = "GET"
    host: str = ""
    path: str = "/"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; what the door takes off is not among them."""


@dataclass(frozen=True, kw_only=True)
class LiveData:
    """The switches and lists of the moment."""

    switches_on: frozenset[str] = frozenset()
    lists: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of a request."""

    matched: tuple[Rule, ...]
    """Every rule whose condition holds, the door's first; the first of all decides."""

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses that the visitor may see; empty where no rule matched and the request goes on."""
        if not self.matched:
            return ()
        match self.matched[0].action:
            case Respond(status=status):
                return (status,)
            case Decoy(answers=answers):
                return tuple(answer.status for answer in answers)


def simulate(policy: Policy, request: Request, live: LiveData) -> Verdict:
    """Return the verdict on a request."""
    known = _describe(policy, request, live)
    return Verdict(
        matched=tuple(
            rule for phase in Phase for rule in policy.select_rules(phase) if _holds(rule.text, known)
        )
    )


def _holds(condition: str, known: dict[str, MapType]) -> bool:
    return bool(_compile(condition).evaluate(known))


@cache
def _compile(condition: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(condition))


def _describe(policy: Policy, request: Request, live: LiveData) -> dict[str, MapType]:
    address = ipaddress.ip_address(request.client)
    return {
        "client": _map({"ip": _Client(request.client), "country": StringType(request.country)}),
        "request": _map(
            {
                "method": StringType(request.method),
                "host": StringType(request.host),
                "path": StringType(request.path),
                "query": StringType(request.query),
                "user_agent": StringType(request.headers.get("user-agent", "")),
                "header": _Headers(
                    {StringType(name): StringType(its) for name, its in request.headers.items()}
                ),
            }
        ),
        "switch": _map({its.name: BoolType(its.name in live.switches_on) for its in policy.switches}),
        "list": _map({its.name: _list(address, its, live) for its in policy.lists}),
    }


def _map(values: Mapping[str, object]) -> MapType:
    return MapType({StringType(name): value for name, value in values.items()})


def _list(client: Address, its: AddressList, live: LiveData) -> ListType:
    """Return the list as CEL's `in` walks it; to a client whom it protects, it is empty."""
    entries = () if is_within(client, its.protected) else live.lists.get(its.name, ())
    return ListType([StringType(str(network)) for network in entries])


class _Client(StringType):
    """An address that equals every network it lies in: CEL has no type for addresses."""

    def __eq__(self, other: object) -> bool:
        return is_within(ipaddress.ip_address(str(self)), (ipaddress.ip_network(str(other)),))

    def __hash__(self) -> int:
        return hash(str(self))


class _Headers(MapType):
    """Headers; an absent one is empty, and case does not matter."""

    def __getitem__(self, name: object) -> Any:
        return self.get(StringType(str(name).lower()), StringType(""))
