"""Arguments that several verbs of the edge read: addresses, and pairs of a name and a value."""

from __future__ import annotations

import ipaddress

import click


class AddressType(click.ParamType[str]):
    """An address, in its canonical form."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address."""
        try:
            return str(ipaddress.ip_address(str(value)))
        except ValueError:
            self.fail(f"{value!r} is no address: write 203.0.113.7 or 2001:db8::7", param, ctx)


class PairType(click.ParamType[tuple[str, str]]):
    """A name and a value with a sign between them."""

    name = "pair"

    def __init__(self, sign: str) -> None:
        self._sign = sign

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return name and value, without blanks around them."""
        if isinstance(value, tuple):
            return value
        name, sign, its = str(value).partition(self._sign)
        if not sign or not name.strip():
            self.fail(f"{value!r} is no NAME{self._sign}VALUE", param, ctx)
        return name.strip(), its.strip()
