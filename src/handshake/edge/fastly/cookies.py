"""Cookies in Fastly's words."""

from __future__ import annotations

from handshake.edge.dialect import Dialect
from handshake.edge.expression import Reads
from handshake.edge.variables import REQUEST_COOKIE


def read_cookie(name: str) -> str:
    """Return the expression of a cookie's value: empty where it is absent, the last one where it stands twice."""
    return Reads(variable=REQUEST_COOKIE, key=name).spell(Dialect.FASTLY)
