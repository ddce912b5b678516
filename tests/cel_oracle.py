"""CEL's own evaluator: what the campaign's evaluator and the edges' programs are held to."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import cache
from typing import Any

import celpy
from celpy.celtypes import BoolType, IntType, ListType, MapType, StringType

from handshake.edge.policy.declarations import AddressList, TextList
from handshake.edge.policy.networks import Address, is_within
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.simulate.verdict import RequestVerdict, follow, order_rules

_ENVIRONMENT = celpy.Environment()
"""Made once, before any test: it raises the recursion limit, which Hypothesis watches."""


def judge_by_cel(policy: EdgePolicy, request: Request, live: LiveData) -> RequestVerdict:
    """Return the verdict on a request, each condition read by CEL's own evaluator."""

    def holds(rule: Rule, request: Request) -> bool:
        return ask_cel(rule.text, policy, request, live)

    return follow(order_rules(policy), request, live.exceeded, holds)


def ask_cel(condition: str, policy: EdgePolicy, request: Request, live: LiveData) -> bool:
    """Return whether a condition holds."""
    return bool(_compile(condition).evaluate(_describe(policy, request, live)))


@cache
def _compile(condition: str) -> celpy.Runner:
    return _ENVIRONMENT.program(_ENVIRONMENT.compile(condition))


def _describe(policy: EdgePolicy, request: Request, live: LiveData) -> dict[str, MapType]:
    """Return the values of all variables."""
    address = ipaddress.ip_address(request.client)
    return {
        "client": _map(
            {
                "ip": _Client(request.client),
                "country": StringType(request.country),
                "asn": IntType(request.asn),
                "rate": IntType(request.rate),
            }
        ),
        "request": _map(_describe_request(request)),
        "switch": _map({its.name: BoolType(its.name in live.switches_on) for its in policy.switches}),
        "list": _map(
            {its.name: _list(address, its, live) for its in policy.lists}
            | {its.name: _texts(its, live) for its in policy.text_lists}
        ),
    }


def _describe_request(request: Request) -> dict[str, object]:
    return {
        "method": StringType(request.method),
        "host": StringType(request.host),
        "path": StringType(request.path),
        "query": StringType(request.query),
        "user_agent": StringType(request.headers.get("user-agent", "")),
        "size": IntType(request.size),
        "header": _Texts(request.headers, ignores_case=True),
        "cookie": _Texts(request.cookies),
        "arm": _Texts(request.arms),
    }


def _map(values: Mapping[str, object]) -> MapType:
    return MapType({StringType(name): value for name, value in values.items()})


def _list(address: Address, its: AddressList, live: LiveData) -> ListType:
    """Return the list as CEL's `in` walks it; to a client whom it protects, it is empty."""
    entries = () if is_within(address, its.protected) else live.lists.get(its.name, ())
    return ListType([StringType(str(network)) for network in entries])


def _texts(its: TextList, live: LiveData) -> ListType:
    listed = live.text_lists.get(its.name, frozenset()) - set(its.protected)
    return ListType([StringType(text) for text in sorted(listed)])


class _Client(StringType):
    """An address that equals every network it lies in: CEL has no type for addresses."""

    def __eq__(self, other: object) -> bool:
        return is_within(ipaddress.ip_address(str(self)), (ipaddress.ip_network(str(other)),))

    def __hash__(self) -> int:
        return hash(str(self))


class _Texts(MapType):
    """Texts by name; an absent one is empty."""

    def __init__(self, texts: Mapping[str, str], *, ignores_case: bool = False) -> None:
        super().__init__({StringType(name): StringType(its) for name, its in texts.items()})
        self._ignores_case = ignores_case

    def __getitem__(self, name: object) -> Any:
        key = str(name).lower() if self._ignores_case else str(name)
        return self.get(StringType(key), StringType(""))
